from pathlib import Path

import pytest

from scanner.errors import HuntError, SourceError
from scanner.results import layout
from scanner.results.signature_sets import NOTHING_RAN, keep_set, signature_set


def test_a_set_is_kept_once_a_run_and_read_back_sorted(tmp_path: Path) -> None:
    runs = [f"{tmp_path}/a", f"{tmp_path}/b"]
    ids = {keep_set(run, order) for run in runs for order in (["b", "a", "b"], ["a", "b"])}
    other = keep_set(runs[0], ["a"])
    (both,) = ids
    assert other != both
    assert signature_set(runs[0], both) == signature_set(runs[1], both) == ("a", "b")
    assert signature_set(runs[0], other) == ("a",)
    assert len(list((tmp_path / "a").rglob("*.json"))) == 2


def test_nothing_is_kept_of_a_split_on_which_nothing_ran(tmp_path: Path) -> None:
    assert keep_set(str(tmp_path), ()) == NOTHING_RAN
    assert signature_set(str(tmp_path), NOTHING_RAN) == ()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("data", [b"", b'["a", "b", "c"]', b"7", b"\xff", b"[" * 100_000])
def test_a_damaged_set_is_named(tmp_path: Path, data: bytes) -> None:
    run = str(tmp_path)
    set_id = keep_set(run, ["a", "b"])
    Path(layout.signature_set_uri(run, set_id)).write_bytes(data)
    with pytest.raises(HuntError, match=rf"{set_id}\.json: this is no set of signatures"):
        signature_set(run, set_id)


def test_a_set_that_nobody_kept_is_no_empty_set(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is not there"):
        signature_set(str(tmp_path), "0" * 32)
    with pytest.raises(HuntError, match="no name of a set of signatures"):
        signature_set(str(tmp_path), "../other")
