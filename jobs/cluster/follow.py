"""Follows a run on a cluster: what its driver prints, across lost connections, until it ends."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

from jobs.cluster.head import Head, Submission
from jobs.cluster.http import ClusterError, Pause

MAX_LINE_CHARS = 64 << 10
LOST_TRIES = 12
"""Tries to come back, the last ones half a minute apart: a laptop that slept, or a head that was moved."""

_LONGEST_PAUSE_S = 30.0
_NUMBER = r"([\d,]{1,20})"
_PROGRESS = re.compile(
    rf"{_NUMBER} of {_NUMBER} splits?(?:, .*)?|planning: {_NUMBER} of {_NUMBER} files?(?:, .*)?"
)
_LISTING = re.compile(rf"listing: {_NUMBER} files?(?:, .*)?")


@dataclass(frozen=True, slots=True)
class Line:
    """Something that the driver printed.

    Attributes:
        text: Without its end.
    """

    text: str


@dataclass(frozen=True, slots=True)
class Pace:
    """A line in which the driver says how far it is.

    Attributes:
        done: Files that are planned, or splits that have ended.
        total: All of them; None while they are not counted.
        text: The whole line.
    """

    done: int
    total: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Lost:
    """The connection is lost; it is tried again.

    Attributes:
        reason: Why.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The run has ended.

    Attributes:
        submission: How.
    """

    submission: Submission


Event = Line | Pace | Lost | Ended


def read_line(text: str) -> Line | Pace:
    """What a line of a driver says: how far it is, in the words of `jobs.cli.progress`, or something else."""
    if _LISTING.fullmatch(text):
        return Pace(0, None, text)
    told = _PROGRESS.fullmatch(text)
    if told is None:
        return Line(text)
    done, total = (int(number.replace(",", "") or "0") for number in told.groups() if number is not None)
    return Pace(done, total, text)


def follow(head: Head, submission_id: str, pause: Pause = time.sleep) -> Iterator[Event]:
    """What happens, from the first line on; the last event is that the run has ended.

    Args:
        head: Of the cluster.
        submission_id: What Ray calls the run.
        pause: Waits for some seconds.

    Raises:
        ClusterError: The head stayed away, refuses, or does not know the run any more.
    """
    lines = _Lines()
    lost = 0
    while True:
        try:
            for text in head.tail(submission_id):
                lost = 0
                yield from lines.feed(text)
            submission = _of(head, submission_id)
        except ClusterError as error:
            lost += 1
            if not error.unreachable or lost > LOST_TRIES:
                raise
            if lost == 1:
                yield Lost(error.message)
            pause(min(2.0**lost, _LONGEST_PAUSE_S))
        else:
            if submission.ended:
                yield from lines.rest()
                yield Ended(submission)
                return
            pause(1.0)
        lines.from_the_start()


def _of(head: Head, submission_id: str) -> Submission:
    submission = head.submission(submission_id)
    if submission is None:
        raise head.forgotten(submission_id)
    return submission


class _Lines:
    """Lines out of pieces of a log that may be sent again from its start."""

    def __init__(self) -> None:
        self._partial = ""
        self._seen = 0
        self._skip = 0

    def from_the_start(self) -> None:
        """What comes next is the log from its first character."""
        self._skip = self._seen

    def feed(self, text: str) -> Iterator[Line | Pace]:
        """The lines that a piece ends."""
        fresh = text[self._skip :]
        self._skip -= len(text) - len(fresh)
        self._seen += len(fresh)
        *whole, self._partial = (self._partial + fresh).split("\n")
        # A line without end must not fill the memory.
        self._partial = self._partial[:MAX_LINE_CHARS]
        for line in whole:
            yield read_line(line[:MAX_LINE_CHARS].removesuffix("\r"))

    def rest(self) -> Iterator[Line | Pace]:
        """The last line where nothing ends it."""
        if self._partial:
            yield read_line(self._partial)
