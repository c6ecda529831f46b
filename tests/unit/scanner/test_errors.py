import importlib
import inspect
import pickle
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import scanner
from scanner.archive.where import WhereError
from scanner.errors import CommitUnknown, HindcastError, HuntError, InputError, Problem, SignatureError, why
from scanner.signatures.condition import ConditionError


def test_reasons_quote_no_foreign_words(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="secret cell") as caught:
        int("secret cell")
    told = why(caught.value)
    assert told.startswith("internal error: ValueError at test_reasons_quote_no_foreign_words, line ")
    with pytest.raises(OSError, match="No such file") as missing:
        (tmp_path / "x").read_text()
    assert why(missing.value) == f"No such file or directory: {tmp_path}/x"


def test_our_own_errors_speak_for_themselves() -> None:
    error = CommitUnknown("/out/commits/x", "no space left on device")
    assert why(error) == str(error)


def test_an_error_that_was_never_raised_has_no_place() -> None:
    assert why(KeyError("x")) == "internal error: KeyError"


def _all_errors() -> Iterator[type[HindcastError]]:
    for module in pkgutil.walk_packages(scanner.__path__, "scanner."):
        importlib.import_module(module.name)
    todo = [HindcastError]
    while todo:
        error = todo.pop()
        yield error
        todo.extend(error.__subclasses__())


_FIELDS: dict[type[HindcastError], tuple[object, ...]] = {
    ConditionError: ("is no condition", 3),
    InputError: ((Problem("a.yaml", 3, "s", "is wrong; write b"),),),
    SignatureError: ((Problem("a.yaml", 3, "s", "is wrong; write b"),),),
    HuntError: ((Problem("a.yaml", 0, "", "is wrong; write b"),),),
    WhereError: (3, "is no predicate; write b"),
}


_ERRORS = sorted(set(_all_errors()) - {HindcastError}, key=lambda kind: kind.__name__)


@pytest.mark.parametrize("error", _ERRORS, ids=[kind.__name__ for kind in _ERRORS])
def test_every_error_survives_a_process_border(error: type[HindcastError]) -> None:
    names = [name for name in inspect.signature(error).parameters if name not in ("args", "kwargs")]
    made = error(*_FIELDS.get(error, tuple(names)))
    copy = pickle.loads(pickle.dumps(made))  # noqa: S301 - made one line above
    assert type(copy) is error
    assert str(copy) == str(made)
    assert [getattr(copy, name) for name in names] == [getattr(made, name) for name in names]


def test_a_problem_reads_like_a_compiler_message() -> None:
    assert str(Problem("a.yaml", 3, "fraud.x", "is wrong; write b")) == "a.yaml:3: fraud.x: is wrong; write b"
    assert str(Problem("a.yaml", 0, "", "is empty", warning=True)) == "a.yaml: warning: is empty"
