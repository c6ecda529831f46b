"""What `hindcast hunt` says beside its results: words for people, or events of the log."""

import logging
from typing import Final, Protocol

import click
from rich.console import Console

from jobs.cli import render
from jobs.preparing.prepare import Prepared
from jobs.running.hunt import Run
from jobs.watching import log
from jobs.watching.log import RunLog

_REHASHED: Final = (
    "the archive's first file is another one since, and with it the key of the match hashes: equal matches have other "
    "hashes from here on; set HINDCAST_MATCH_KEY before a run begins, and its key stays"
)


class Notes(Protocol):
    """Says what becomes of one run."""

    def announce(self, prepared: Prepared) -> None:
        """What is going to be hunted, and what is odd about it."""

    def resuming(self, *, rehashed: bool) -> None:
        """That an unfinished run is gone on with, and whether with another key of the match hashes."""

    def stopped(self) -> None:
        """That somebody stopped it, and what is done."""

    def left(self) -> None:
        """The same where it did not stop in time: nothing is asked of stores, which may be what it hangs on."""

    def how_to_go_on(self) -> None:
        """How to go on with it."""


class Words:
    """Lines for people.

    Args:
        go_on: The command that goes on with the run.
        run: The run.
        console: Where to.
        quiet: True to leave out what is not asked for.
    """

    def __init__(self, go_on: str, run: Run, console: Console, *, quiet: bool) -> None:
        self._go_on = go_on
        self._run = run
        self._console = console
        self._quiet = quiet
        self._done_before = 0

    def announce(self, prepared: Prepared) -> None:
        """Says what is going to be hunted, and what is odd about it."""
        render.print_problems(prepared.warnings)
        for line in _expired(prepared):
            self._say(line)
        if self._quiet:
            return
        plan = prepared.plan
        where = "on Ray" if prepared.executor == "ray" else "in this process"
        stored = f"{render.size(plan.text_bytes)} of stored text"
        what = f"{render.plural(plan.rows, 'record')} ({stored})" if plan.rows else stored
        ruled_out = sum(removed.files for removed in plan.pruned)
        # Where only what is new is hunted, the files of the plan are those that owe something.
        left_out = len(plan.unreadable) + (ruled_out if prepared.only_new is None else 0)
        self._say(
            f"hunting {what} "
            f"in {render.part(plan.files - left_out, plan.files, 'file')} "
            f"with {render.plural(len(prepared.signatures.ruleset.signatures), 'signature')}, {where}"
        )
        if plan.pruned:
            groups = sum(removed.row_groups or 0 for removed in plan.pruned)
            of_them = f"{render.plural(ruled_out, 'file')} and {render.plural(groups, 'known row group')}"
            self._say(f"`where` rules out {of_them}, as `hindcast plan` shows")

    def resuming(self, *, rehashed: bool) -> None:
        """Says that an unfinished run is gone on with, and whether with another key of the match hashes."""
        self._done_before = self._run.published()
        self._say(f"going on with run {self._run.run_id}: {self._splits(self._done_before)} done")
        if rehashed:
            self._say(f"note: {_REHASHED}")

    def stopped(self) -> None:
        """Says what is done, and how to go on."""
        self._tell_stopped(self._run.published())

    def left(self) -> None:
        """Says the same, as far as this process knows it."""
        self._tell_stopped(max(self._done_before, self._run.progress.splits), "at least ")

    def _tell_stopped(self, done: int, how_surely: str = "") -> None:
        self._say(f"stopped: {how_surely}{self._splits(done)} done, the run is unfinished")
        if done:
            self._say(f"What is done lies in {self._run.uri}")
        self.how_to_go_on()

    def how_to_go_on(self) -> None:
        """Says how to go on."""
        self._say(f"Go on with it: {self._go_on}")

    def _splits(self, done: int) -> str:
        return f"{render.number(done)} of {render.plural(self._run.progress.splits_total, 'split')}"

    def _say(self, line: str) -> None:
        self._console.print(render.safe(line), soft_wrap=True)


class Events:
    """Lines of the log.

    Args:
        go_on: The command that goes on with the run.
        run: The run.
        log: Of the run.
    """

    def __init__(self, go_on: str, run: Run, log: RunLog) -> None:
        self._go_on = go_on
        self._run = run
        self._log = log
        self._done_before = 0

    def announce(self, prepared: Prepared) -> None:
        """Logs ``planned``, and a ``warning`` for each thing that is odd."""
        for message in (*map(str, prepared.warnings), *_expired(prepared)):
            self._log.tell("warning", logging.WARNING, message=message)
        plan = prepared.plan
        self._log.tell(
            "planned",
            files=plan.files,
            splits=len(plan.splits),
            unreadable=len(plan.unreadable),
            rows=plan.rows,
            stored_bytes=plan.text_bytes,
            signatures=len(prepared.signatures.ruleset.signatures),
            executor=prepared.executor,
            results=self._run.uri,
        )

    def resuming(self, *, rehashed: bool) -> None:
        """Logs ``resuming``, and a ``warning`` where the key of the match hashes is another one."""
        self._done_before = self._run.published()
        self._log.tell("resuming", splits_done=self._done_before)
        if rehashed:
            self._log.tell("warning", logging.WARNING, message=_REHASHED)

    def stopped(self) -> None:
        """Logs ``stopped``."""
        self._tell_stopped(self._run.published())

    def left(self) -> None:
        """Logs ``stopped``, with what this process knows."""
        self._tell_stopped(max(self._done_before, self._run.progress.splits))

    def _tell_stopped(self, done: int) -> None:
        self._log.tell("stopped", splits_done=done, splits=self._run.progress.splits_total)
        self.how_to_go_on()

    def how_to_go_on(self) -> None:
        """Logs ``unfinished`` with the command that goes on."""
        self._log.tell("unfinished", logging.WARNING, go_on_with=self._go_on)


def tell_unsent(message: str) -> None:
    """Says that an alert could not be sent, and why."""
    if log.is_on():
        log.tell_unsent(message)
    else:
        click.echo(render.safe(message), err=True)


def _expired(prepared: Prepared) -> list[str]:
    return [
        f"{signature.id}: expired on {signature.expires} and does not run"
        for signature in prepared.signatures.expired
    ]
