from pathlib import Path

import pytest

from jobs.executors.outcome import why
from scanner.errors import CommitUnknown


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
