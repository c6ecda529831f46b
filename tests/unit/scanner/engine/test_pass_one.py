import pyarrow as pa
import pytest

from scanner.engine import pass_one
from scanner.engine.matcher import HyperscanMatcher
from scanner.engine.pass_one import PassOne
from scanner.engine.program import compile_ruleset
from scanner.views.raw import TextCells, text_cells
from tests.support.signatures import regexes


def joined(*cells: str | None) -> TextCells:
    return text_cells(pa.array(cells, pa.string()))


def test_cells_stand_one_a_line_and_nulls_take_no_room() -> None:
    found = joined("ab", None, "", "c")
    assert found.data == b"ab\n\nc\n"
    assert found.offsets.tolist() == [0, 3, 3, 4, 6]
    assert list(found.take(found.not_null())) == [b"ab", b"", b"c"]


@pytest.mark.parametrize("block_bytes", [1, 2, 3, 4, 7, 100])
def test_blocks_are_cut_at_borders_of_cells_and_cover_everything(block_bytes: int) -> None:
    found = joined("ab", None, "", "cdefg", "h")
    blocks = list(found.blocks(block_bytes))
    assert b"".join(block for _, block in blocks) == b"ab\n\ncdefg\nh\n"
    assert all(start in found.offsets.tolist() for start, _ in blocks)
    assert all(len(block) <= block_bytes or block.count(b"\n") == 1 for _, block in blocks)


def test_an_event_belongs_to_the_cell_whose_bytes_it_ends_on() -> None:
    events, candidates = PassOne(compile_ruleset(regexes(r"b\s", "c"))).run(joined("ab", None, "c", "bc"))
    # `b\s` takes the line feed after "ab": a candidate of "ab", which confirm drops.
    assert candidates.cells.tolist() == [0, 2, 3]
    assert candidates.events.tolist() == [1, 1, 1]
    assert events == 3


def test_a_flood_of_events_is_reduced_as_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pass_one, "MAX_PENDING_EVENTS", 10)
    matcher = HyperscanMatcher(compile_ruleset(regexes("a", ".")))
    found = matcher.match(pa.array(["a" * 50, "b" * 50]), "text")
    assert found.cells.tolist() == [0, 0, 1]
    assert found.match_counts.tolist() == [50, 50, 50]
