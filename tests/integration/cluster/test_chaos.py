"""Everything that may happen to a hunt happens, in random order and many times over."""

import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support import servers
from tests.support.cluster import Cluster, cluster, fill_the_disk
from tests.support.disturbed import Found, Hunt, write_archive
from tests.support.faults import Fault, Faults, faulty

SEED = int(os.environ.get("HINDCAST_CHAOS_SEED", "20261122"))
TIMES = int(os.environ.get("HINDCAST_CHAOS_TIMES", "2"))
"""How often each thing happens."""

FILES = 240
SLOW = 10
LATEST = FILES * 3 // 4
"""Splits after which nothing more happens to a hunt, since it could end before that."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600 * TIMES)]


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Faults]:
    """Holds the archive behind a network that can be disturbed."""
    with servers.s3_server() as endpoint, faulty(endpoint) as faults:
        for name, value in {**servers.CREDENTIALS, "AWS_ENDPOINT_URL": faults.endpoint}.items():
            monkeypatch.setenv(name, value)
        yield faults


class Chaos:
    """One hunt, and what is done to it.

    Args:
        hunt: The hunt.
        nodes: Where it runs.
        store: Where its archive lies.
        ballast: A file that is to fill the disk of its output; None where that cannot be done here.
        chance: Decides.
    """

    def __init__(
        self, hunt: Hunt, nodes: Cluster, store: Faults, ballast: Path | None, chance: random.Random
    ) -> None:
        self.hunt = hunt
        self.nodes = nodes
        self.store = store
        self.ballast = ballast
        self.chance = chance
        self.drivers = [hunt.start(nodes)]

    @property
    def driver(self) -> "subprocess.Popen[str]":
        """The process that has driven the run for the longest time."""
        return self.drivers[0]

    def disturb(self, what: Callable[["Chaos"], None]) -> bool:
        """Does it after a few more splits; gives False where the hunt is too far for that."""
        self.nodes.have(2)
        at = self.hunt.commits() + self.chance.randint(1, 12)
        if at > LATEST or not self.hunt.wait_or_end(self.driver, lambda: self.hunt.commits() >= at):
            return False
        what(self)
        return True

    def end(self) -> Found:
        """Lets it come to its end, which each of its drivers says is a good one."""
        for driver in self.drivers:
            if driver.stderr is not None and not driver.stderr.closed:
                self.hunt.end(driver)
        return self.hunt.found()

    def kill_workers(self) -> None:
        node = self.chance.choice(self.nodes.nodes)
        self.hunt.wait_or_end(self.driver, lambda: bool(self.nodes.busy(node)))
        for pid in self.nodes.busy(node):
            os.kill(pid, signal.SIGKILL)

    def lose_a_node(self) -> None:
        self.nodes.remove(self.chance.choice(self.nodes.nodes))

    def preempt_a_node(self) -> None:
        node = self.chance.choice(self.nodes.nodes)
        self.nodes.drain(node)
        done = self.hunt.commits()
        self.hunt.wait_or_end(self.driver, lambda: self.hunt.commits() > done)
        self.nodes.remove(node)

    def grow(self) -> None:
        node = self.nodes.add()
        self.hunt.wait_or_end(self.driver, lambda: bool(self.nodes.busy(node)))

    def kill_the_driver(self) -> None:
        self._leave(signal.SIGKILL, -signal.SIGKILL)

    def stop_the_driver(self) -> None:
        self._leave(signal.SIGTERM, 130)

    def have_two_drivers(self) -> None:
        self._begin_again()

    def fill_the_disk(self) -> None:
        assert self.ballast is not None
        fill_the_disk(self.ballast)
        for driver in self.drivers:
            self.hunt.end(driver, 1, 2)  # where it had not begun, there is nothing to go on with
        self.drivers.clear()
        self.ballast.unlink()
        self._begin_again()

    def fail_the_store(self) -> None:
        # Together more than one request is tried, and fewer than one split with all its requests.
        kinds = [Fault("status", 4), Fault("reset", 3), Fault("short", 2), Fault("status", 2), Fault("reset")]
        self.store.coming = [
            replace(fault, within="/archive/") for fault in self.chance.sample(kinds, len(kinds))
        ]
        self.hunt.wait_or_end(self.driver, lambda: not any(fault.times for fault in self.store.coming))

    def _leave(self, number: int, code: int) -> None:
        driver = self.drivers.pop(0)
        driver.send_signal(number)
        self.hunt.end(driver, code, -number, 0)
        if driver.returncode:
            self._begin_again()
        else:
            self.drivers.append(driver)

    def _begin_again(self) -> None:
        # The plain command begins a new run where another process has finished this one in the meantime.
        named = ["--run-id", self.hunt.run_id] if self.drivers else []
        self.drivers.append(self.hunt.start(self.nodes, *named))


ALL = (
    Chaos.kill_workers,
    Chaos.lose_a_node,
    Chaos.preempt_a_node,
    Chaos.grow,
    Chaos.kill_the_driver,
    Chaos.stop_the_driver,
    Chaos.have_two_drivers,
    Chaos.fill_the_disk,
    Chaos.fail_the_store,
)


def test_hunts_find_what_an_undisturbed_one_does(
    store: Faults, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(SEED)
    archive = f"s3://{servers.BUCKET}/archive"
    write_archive(archive, FILES, SLOW)
    more = f"storage: {{s3: {{endpoint: '{store.endpoint}'}}, attempts: 3}}\n"
    survived: Counter[str] = Counter()
    hunts, begun = 0, time.monotonic()
    with cluster(**servers.CREDENTIALS) as nodes:
        quiet = Hunt(tmp_path / "quiet", archive, str(tmp_path / "out"), more=more)
        quiet.end(quiet.start(nodes))
        undisturbed = quiet.found()
        small = None if nodes.disk is None else nodes.on_disk(nodes.disk)
        coming = [what for what in ALL if small or what is not Chaos.fill_the_disk] * TIMES
        chance.shuffle(coming)
        while coming:
            hunts += 1
            output = tmp_path / f"out{hunts}" if nodes.disk is None else nodes.disk / f"out{hunts}"
            seen_at = str(output if small is None else small / output.name)
            hunt = Hunt(tmp_path / f"hunt{hunts}", archive, str(output), seen_at, more)
            chaos = Chaos(hunt, nodes, store, small and small / "ballast", chance)
            while coming and chaos.disturb(coming[-1]):
                survived[coming.pop().__name__.replace("_", " ")] += 1
            chaos.end().check_same(undisturbed)
    with capsys.disabled():
        told = ", ".join(f"{what} {times}x" for what, times in sorted(survived.items()))
        took = time.monotonic() - begun
        print(f"\nseed {SEED}: {hunts} hunts in {took:.0f} s came to the same end after {told}")  # noqa: T201
