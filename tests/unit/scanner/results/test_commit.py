import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.errors import CommitUnknown, HuntError, OutputError
from scanner.results import layout
from scanner.results.commit import divide, publish, standing
from scanner.results.report import SplitReport
from tests.support.results import committed, report


@given(st.text() | st.none(), st.lists(st.tuples(st.text(), st.integers(0))))
def test_a_report_is_read_back_as_it_was(error: str | None, hits: list[tuple[str, int]]) -> None:
    made = report(1, error=error, signature_hits=tuple(hits))
    assert SplitReport.from_json(made.to_json()) == made
    assert pickle.loads(pickle.dumps(made)) == made  # noqa: S301 - our own bytes


def test_a_long_error_is_cut() -> None:
    read = SplitReport.from_json(report(1, error="x" * 5000, hits_file="ü").to_json())
    assert read.error == "x" * 2000 + "…"


def test_the_first_report_of_a_split_counts(tmp_path: Path) -> None:
    run = str(tmp_path)
    assert publish(run, report(2, rows=1))
    assert publish(run, report(1))
    assert not publish(run, report(2, rows=99))
    assert [each.rows for each in committed(run)] == [100, 1]
    assert committed(f"{run}/nothing") == []
    assert standing(run, report(2).split_id) == report(2, rows=1)
    assert standing(run, report(3).split_id) is None


def test_a_storage_that_fails_leaves_the_outcome_unknown(tmp_path: Path) -> None:
    (tmp_path / "commits").write_bytes(b"a file where the folder should be")
    with pytest.raises(CommitUnknown):
        publish(str(tmp_path), report(1))


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"split_id": "x"}',
        report(2).to_json(),
        report(1).to_json().replace(b'"scanned"', b'"done"'),
        report(1).to_json().replace(b'"rows": 100', b'"rows": "many"'),
    ],
)  # fmt: skip
def test_a_damaged_record_is_named(tmp_path: Path, data: bytes) -> None:
    run = str(tmp_path)
    publish(run, report(0))
    Path(layout.commit_uri(run, f"{1:032x}")).write_bytes(data)
    with pytest.raises(HuntError, match="this is no commit record, or a damaged one") as caught:
        committed(run)
    assert caught.value.problems[0].file == layout.commit_uri(run, f"{1:032x}")


def test_a_stranger_in_the_folder_is_named(tmp_path: Path) -> None:
    publish(str(tmp_path), report(0))
    (tmp_path / "commits" / "notes.txt").touch()
    with pytest.raises(HuntError, match=r"split 'notes\.txt'"):
        committed(str(tmp_path))


def test_parts_stand_in_place_of_splits_that_were_divided_again_and_again(tmp_path: Path) -> None:
    run = str(tmp_path)
    names = [f"{number:032x}" for number in range(9)]

    def cut(number: int, *parts: int) -> None:
        divided_into = tuple(names[part] for part in parts)
        divide(run, report(number, status="divided", parts=divided_into))

    cut(8, 0, 7)
    cut(7, 1, 2)
    for number in (0, 1, 2, 5, 6):
        publish(run, report(number))
    # An attempt at a split that was to be cut has ended well after all.
    assert divide(run, report(6, status="divided", parts=(names[3], names[4]))) == report(6)
    publish(run, report(3))
    assert [each.split_id for each in committed(run, {names[8], names[6]})] == [
        names[each] for each in (0, 1, 2, 6)
    ]
    assert [each.split_id for each in committed(run, {names[5]})] == [names[5]]
    assert [each.split_id for each in committed(run)] == [names[each] for each in (0, 1, 2, 3, 5, 6)]


def test_of_what_is_wanted_everything_must_have_ended(tmp_path: Path) -> None:
    run = str(tmp_path)
    names = [f"{number:032x}" for number in range(5)]
    publish(run, report(0))
    with pytest.raises(OutputError, match=r"splits have not ended \(1\)"):
        committed(run, {names[0], names[1]})
    divide(run, report(1, status="divided", parts=(names[2], names[3])))
    publish(run, report(2))
    with pytest.raises(OutputError, match=r"ended \(1\); .* Repeat the command"):
        committed(run, {names[0], names[1]})
    publish(run, report(3))
    assert [each.split_id for each in committed(run, {names[0], names[1]})] == [names[0], names[2], names[3]]
