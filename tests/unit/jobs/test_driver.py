import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.driver import (
    Driver,
    Event,
    Finish,
    Instruction,
    RecordFailed,
    SlotsChanged,
    SplitDone,
    SplitLost,
    Start,
)
from scanner.results.report import SplitReport


def done(split_id: str) -> SplitDone:
    return SplitDone(
        SplitReport(
            split_id=split_id,
            source_uri="/a.parquet",
            source_etag="1-1",
            source_size_bytes=1,
            row_groups=(0,),
            columns=("text",),
            ruleset_digest="d",
            signatures=(),
            status="scanned",
            rows=1,
            cells=1,
            text_bytes=1,
            hits=0,
            invalid_cells=0,
            match_errors=0,
            error=None,
            attempts=1,
            elapsed_s=0.1,
            worker="w",
            hits_file=None,
            signature_hits=(),
        )
    )


class Observer:
    """Obeys a driver and notes what it was told, checking what may never happen."""

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.started: list[str] = []
        self.ended: list[str] = []
        self.failed: list[RecordFailed] = []
        self.finished = False

    @property
    def under_way(self) -> list[str]:
        return [split_id for split_id in self.started if split_id not in self.ended]

    def obey(self, instructions: tuple[Instruction, ...]) -> None:
        for instruction in instructions:
            assert not self.finished, "nothing comes after Finish"
            match instruction:
                case Start(split_id):
                    self.started.append(split_id)
                    assert len(self.under_way) <= self.slots
                case RecordFailed():
                    self.failed.append(instruction)
                case Finish():
                    self.finished = True


@given(count=st.integers(0, 30), slots=st.integers(1, 8), data=st.data())
def test_in_any_order_each_split_starts_once_ends_once_and_the_run_finishes(
    count: int, slots: int, data: st.DataObject
) -> None:
    split_ids = [f"s{i}" for i in range(count)]
    driver = Driver(split_ids, slots)
    seen = Observer(slots)
    lost = []
    seen.obey(driver.begin())
    while not seen.finished:
        room = min(seen.slots, count - len(seen.ended))
        assert len(seen.under_way) >= room, "what can start has started"
        event: Event
        match data.draw(st.sampled_from(["slots", "done", "lost"] if seen.under_way else ["slots"])):
            case "slots":
                # A cluster may shrink to nothing for a while, but not while nothing else can happen.
                seen.slots = data.draw(st.integers(0 if seen.under_way else 1, 8))
                event = SlotsChanged(seen.slots)
            case "done":
                event = done(data.draw(st.sampled_from(seen.under_way)))
                seen.ended.append(event.split_id)
            case _:
                event = SplitLost(data.draw(st.sampled_from(seen.under_way)), "worker died", attempts=4)
                seen.ended.append(event.split_id)
                lost.append(RecordFailed(event.split_id, "worker died", 4))
        seen.obey(driver.handle(event))

    assert seen.started == split_ids
    assert sorted(seen.ended) == sorted(split_ids)
    assert seen.failed == lost
    assert driver.handle(SlotsChanged(99)) == ()


def test_a_split_that_ends_twice_is_a_bug_and_not_counted() -> None:
    driver = Driver(["a", "b"], slots=2)
    driver.begin()
    driver.handle(done("a"))
    with pytest.raises(ValueError, match="a"):
        driver.handle(SplitLost("a", "late"))
    assert driver.handle(done("b")) == (Finish(),)
