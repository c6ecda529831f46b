import os
import subprocess
import sys
from collections.abc import Callable

import click
import pytest

from jobs.cli import main as main_module
from scanner.errors import EngineError, HuntError, Problem, SourceError


@pytest.fixture
def run_verb(monkeypatch: pytest.MonkeyPatch) -> Callable[[object], int]:
    """Runs `hindcast hunt` with a verb that raises or returns what it is given."""

    def run(outcome: object) -> int:
        @click.command("hunt")
        def verb() -> object:
            if isinstance(outcome, BaseException):
                raise outcome
            return outcome

        monkeypatch.setattr(main_module.LazyVerbs, "get_command", lambda *_: verb)
        return main_module.main(["hunt"])

    return run


def test_help_imports_nothing_but_click() -> None:
    heavy = "('rich', 'pyarrow', 'numpy', 'ray', 'hyperscan', 'pydantic', 'scanner', 'jobs.cli.hunt')"
    ask = f"print([m for m in {heavy} if m in sys.modules])"
    code = f"import sys; from jobs.cli.main import main; main(['--help']); {ask}"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.splitlines()[-1] == "[]"
    for verb in main_module.VERBS:
        assert f"\n  {verb} " in out


@pytest.mark.parametrize(("given", "found"), [(None, "10000"), ("5", "5")])
def test_arrow_finds_its_environment_when_it_is_loaded(
    given: str | None, found: str, monkeypatch: pytest.MonkeyPatch, run_verb: Callable[[object], int]
) -> None:
    monkeypatch.delenv("MIMALLOC_PURGE_DELAY", raising=False)
    if given is not None:
        monkeypatch.setenv("MIMALLOC_PURGE_DELAY", given)
    assert run_verb(0) == 0
    assert os.environ["MIMALLOC_PURGE_DELAY"] == found


@pytest.mark.parametrize("verb", main_module.VERBS)
def test_every_verb_has_help_with_an_example(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main_module.main([verb, "--help"]) == 0
    assert f"hindcast {verb}" in capsys.readouterr().out.split("\n", 1)[1]


def test_a_misspelt_verb_is_answered_with_the_right_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main_module.main(["hnt"]) == 2
    assert "there is no command 'hnt'. Did you mean 'hunt'?" in capsys.readouterr().err


@pytest.mark.parametrize(("outcome", "code"), [(None, 0), (0, 0), (3, 3), (KeyboardInterrupt(), 130)])
def test_exit_codes(run_verb: Callable[[object], int], outcome: object, code: int) -> None:
    assert run_verb(outcome) == code


def test_wrong_input_prints_every_problem_safely(run_verb, capsys: pytest.CaptureFixture[str]) -> None:  # type: ignore[no-untyped-def]
    problems = (Problem("h.yaml", 3, "hunt", "is \x1b[31mwrong"), Problem("h.yaml", 9, "", "and this"))
    assert run_verb(HuntError(problems)) == 2
    assert capsys.readouterr().err == "h.yaml:3: hunt: is ␛[31mwrong\nh.yaml:9: and this\n"


def test_a_refused_engine_is_told_line_by_line(run_verb, capsys: pytest.CaptureFixture[str]) -> None:  # type: ignore[no-untyped-def]
    assert run_verb(EngineError("the engine misses\n  `\x1b[31ma`\nInstall another")) == 2
    assert capsys.readouterr().err == "the engine misses\n  `␛[31ma`\nInstall another\n"


@pytest.mark.parametrize("error", [RuntimeError("boom \x1b]0;x\x07"), SourceError("a.parquet", "boom")])
def test_other_errors_are_one_line_unless_debugging(  # type: ignore[no-untyped-def]
    run_verb, error: Exception, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HINDCAST_DEBUG", raising=False)
    assert run_verb(error) == 1
    printed = capsys.readouterr().err
    assert "boom" in printed
    assert "HINDCAST_DEBUG=1" in printed
    assert "Traceback" not in printed
    assert "\x1b" not in printed
    monkeypatch.setenv("HINDCAST_DEBUG", "1")
    assert run_verb(error) == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_closed_pipe_is_silent() -> None:
    code = "import sys; from jobs.cli.main import main; sys.exit(main(['--help']))"
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run([sys.executable, "-c", code], stdout=write_end, stderr=subprocess.PIPE, check=False)
    os.close(write_end)
    assert done.returncode == main_module.BROKEN_PIPE
    assert done.stderr == b""
