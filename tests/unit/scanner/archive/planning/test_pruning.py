import pyarrow as pa
import pytest

from scanner.archive.planning.pruning import Pruning, Removed, of_all, removed_by_path
from scanner.archive.where import ColumnStats, Predicate
from scanner.errors import HuntError

INT = pa.int64()


def test_statistics_of_a_file_hold_for_every_row_group_of_it() -> None:
    groups = [
        {"n": ColumnStats(INT, 1, 5, 0), "m": ColumnStats(INT, 1, 2, None)},
        {"n": ColumnStats(INT, -3, 2, 2), "m": ColumnStats(INT, None, None, 4)},
    ]
    assert of_all(groups) == {"n": ColumnStats(INT, -3, 5, 2), "m": ColumnStats(INT, None, None, None)}
    assert of_all(groups[:1]) == groups[0]
    assert of_all([]) == {}


def test_what_is_removed_adds_up_by_step_and_term_and_what_was_not_counted_stays_unknown() -> None:
    pruning = Pruning()
    assert pruning.removed() == ()
    for size in (10, 20):
        pruning.add(Removed("row-group statistics", "n > 5", 0, 1, 100, size))
        pruning.add(Removed("partitions", "day = 1", 1, None, None, size))
    pruning.add(Removed("partitions", "lang = 'en'", 1, None, None, 100))
    pruning.add(Removed("file statistics", "n > 5", 1, 4, 400, 1))
    assert pruning.removed() == (
        Removed("partitions", "lang = 'en'", 1, None, None, 100),
        Removed("partitions", "day = 1", 2, None, None, 30),
        Removed("file statistics", "n > 5", 1, 4, 400, 1),
        Removed("row-group statistics", "n > 5", 0, 2, 200, 30),
    )


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("day >= '2026-11-02' AND n > 5", "day >= '2026-11-02'"),
        ("day = '2026-11-01' AND n > 5", None),
        ("day = '2026-11-02' OR n > 5", None),
        ("lang IS NOT NULL", "NOT lang IS NULL"),
        ("n > 5", None),
    ],
)
def test_a_path_rules_out_what_no_record_below_it_can_meet(where: str, expected: str | None) -> None:
    partitions = {"day": "2026-11-01", "lang": None}
    assert removed_by_path(Predicate.parse(where), "/a.parquet", partitions) == expected


def test_a_value_in_a_path_that_cannot_be_compared_is_the_users_mistake() -> None:
    with pytest.raises(HuntError, match=r"/a\.parquet: where: at character 1: "):
        removed_by_path(Predicate.parse("day > 5"), "/a.parquet", {"day": "monday"})
