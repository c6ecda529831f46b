from collections.abc import Iterator

import pytest

from jobs.cli import progress
from jobs.cluster import follow as following
from jobs.cluster.contexts import Cluster
from jobs.cluster.follow import Ended, Event, Line, Lost, Pace, follow, read_line
from jobs.cluster.head import Head
from jobs.cluster.http import ClusterError, Http
from jobs.watching import Progress
from scanner.archive.plan import PlanProgress
from tests.support.head import TOKEN, HeadState, head

LOG = "starting\n1 of 40 splits, 10 records, 0 hits\r\nélan\n\n40 of 40 splits, 1,234 records, 3 hits\nlast"
EVENTS = [
    Line("starting"),
    Pace(1, 40, "1 of 40 splits, 10 records, 0 hits"),
    Line("élan"),
    Line(""),
    Pace(40, 40, "40 of 40 splits, 1,234 records, 3 hits"),
    Line("last"),
]


@pytest.fixture
def state() -> HeadState:
    state = HeadState()
    state.add("a", LOG)
    return state


@pytest.fixture
def known(state: HeadState) -> Iterator[Head]:
    with head(state) as address:
        yield Head(Http(Cluster(address, headers={"Authorization": f"Bearer {TOKEN}"}), lambda _: None))


def events(known: Head) -> list[Event]:
    return list(follow(known, "a", lambda _: None))


def test_every_line_and_the_end(known: Head) -> None:
    *lines, ended = events(known)
    assert lines == EVENTS
    assert isinstance(ended, Ended)
    assert (ended.submission.state, ended.submission.exit_code) == ("complete", 0)


@pytest.mark.parametrize("cuts", [[0], [3], [30, 20], [len(LOG)], [5] * 11])
def test_lines_come_once_whatever_breaks(known: Head, state: HeadState, cuts: list[int]) -> None:
    state.cut_logs = cuts
    told = events(known)
    assert [event for event in told[:-1] if not isinstance(event, Lost)] == EVENTS
    assert (
        Lost("went away without a word") in told
        or Lost("cannot be reached: went away without a word") in told
    )


def test_a_head_that_stays_away_is_given_up(known: Head, state: HeadState) -> None:
    state.cut_logs = [0] * 99
    with pytest.raises(ClusterError, match="went away without a word"):
        events(known)
    assert len(state.requests) == following.LOST_TRIES + 1


def test_a_log_that_may_not_be_followed(known: Head, state: HeadState) -> None:
    state.trouble = [403]
    with pytest.raises(ClusterError, match="does not let us in"):
        events(known)
    state.trouble = [400]
    with pytest.raises(ClusterError, match="must let WebSockets pass"):
        events(known)


def test_a_head_that_was_started_anew_does_not_know_the_run(known: Head, state: HeadState) -> None:
    for before in range(2):
        state.trouble = ["fine"] * before + [404]
        with pytest.raises(ClusterError, match="does not know a any more"):
            events(known)


def test_lines_without_end_do_not_fill_the_memory(
    known: Head, state: HeadState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "MAX_LINE_CHARS", 10)
    state.logs["a"] = "x" * 1000 + "\nend"
    assert events(known)[:-1] == [Line("x" * 10), Line("end")]


def test_the_progress_of_a_driver_is_understood() -> None:
    told = progress.line(Progress(1200, 3400, 10, 5000, hits=3, failed=1), 12.0)
    assert read_line(told) == Pace(1200, 3400, told)
    assert read_line(progress.line(Progress(0, 1, 0, 0), 0.0)) == Pace(
        0, 1, "0 of 1 split, 0 records, 0 hits"
    )
    assert read_line("3 of us split") == Line("3 of us split")
    told = progress.planning_line(PlanProgress(1200, 0, all_listed=False), 3.0)
    assert read_line(told) == Pace(0, None, told)
    told = progress.planning_line(PlanProgress(1200, 1, all_listed=True), 3.0)
    assert read_line(told) == Pace(1, 1200, told)
