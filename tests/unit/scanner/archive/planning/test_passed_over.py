import pytest

from scanner.archive.planning import passed_over
from scanner.archive.planning.listing import Listing
from scanner.archive.planning.passed_over import PassedOver
from scanner.archive.storage import FileInfo

READ = Listing([FileInfo("/a/named.csv", 1, "e")])


def summary(*names: str) -> str:
    passed = PassedOver()
    for name in names:
        passed.add(f"/a/{name}")
    return passed.summary(READ)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ((), ""),
        (("named.csv",), ""),
        (("a.csv", "a.csv"), "1 file (1 *.csv)"),
        (("a.CSV", "b.csv", "c.jsonl.gz", "_d.parquet"), "4 files (2 *.csv, 1 *.jsonl.gz, 1 _*.parquet)"),
        (("part-0000", ".hidden.parquet", "x.gz"), "3 files (1 without an ending, 1 .*.parquet, 1 *.gz)"),
        ([f"a.{kind}" for kind in "abcdefg"], "7 files (1 *.a, 1 *.b, 1 *.c, 1 *.d, 1 *.e, others)"),
    ],
)
def test_they_are_counted_by_kind(names: tuple[str, ...], said: str) -> None:
    assert summary(*names) == said


def test_no_more_names_are_kept_than_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passed_over, "MOST_NAMES", 2)
    assert summary("a.csv", "b.csv", "c.csv") == "2 or more files (2 *.csv)"
