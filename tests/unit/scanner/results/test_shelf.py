import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from scanner.errors import OutputError
from scanner.results.shelf import Shelf

ROWS = pa.record_batch({"id": pa.array(["a", "b"]), "spans": pa.array([[1, 2], None])})


def test_what_is_put_aside_is_read_back_in_any_order() -> None:
    with Shelf() as shelf:
        rows = shelf.put_rows(ROWS)
        numbers = shelf.put_numbers(np.arange(10, dtype=np.uint64))
        none, empty = shelf.put_numbers(np.zeros(0, np.int32)), shelf.put_rows(ROWS[:0])
        sliced = shelf.put_rows(ROWS[1:])
        assert numbers.read(7, 3).tolist() == [7, 8, 9]
        assert none.read(0, 0).tolist() == []
        assert sliced.read().to_pylist() == ROWS.to_pylist()[1:]
        assert empty.read().equals(ROWS[:0])
        assert rows.read().equals(ROWS)


def test_it_leaves_no_file_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with Shelf() as shelf:
        shelf.put_rows(ROWS)
        assert not list(tmp_path.iterdir()), "not even while it is used"


@pytest.mark.parametrize(
    "put", [lambda shelf: shelf.put_rows(ROWS), lambda shelf: shelf.put_numbers(np.ones(3))]
)
def test_a_full_disk_is_told_as_one(put: Callable[[Shelf], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    full: Any = partial(open, "/dev/full", "wb", buffering=0)
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: full())
    with (
        Shelf() as shelf,
        pytest.raises(OutputError, match="results cannot be written: no space left on device"),
    ):
        put(shelf)
