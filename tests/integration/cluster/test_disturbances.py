"""What happens to machines, networks and disks while a hunt runs: it finds what an undisturbed one does.

The cluster has three nodes, of which the head runs nothing.
"""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import servers
from tests.support.cluster import Cluster, cluster, fill_the_disk
from tests.support.disturbed import Found, Hunt, splits_done_before, write_archive
from tests.support.faults import Fault, Faults, faulty

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

FILES = 120
SLOW = 6


@pytest.fixture(scope="module")
def three_nodes() -> Iterator[Cluster]:
    with cluster(**servers.CREDENTIALS) as running:
        yield running


@pytest.fixture
def nodes(three_nodes: Cluster) -> Cluster:
    """The cluster as it was before other tests took from it."""
    three_nodes.have(2)
    return three_nodes


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("archive")
    write_archive(str(folder), FILES, SLOW)
    return str(folder)


@pytest.fixture(scope="module")
def undisturbed(archive: str, tmp_path_factory: pytest.TempPathFactory) -> Found:
    folder = tmp_path_factory.mktemp("undisturbed")
    hunt = Hunt(folder / "hunt", archive, str(folder / "out"))
    hunt.end(hunt.start(None))
    found = hunt.found()
    assert found.record["totals"]["hits"] == FILES * (SLOW + 4)
    return found


Process = subprocess.Popen[str]


def kill_workers(hunt: Hunt, process: Process, nodes: Cluster) -> None:
    """Of each node, while they run a task."""
    for number in nodes.nodes:
        hunt.wait(process, lambda number=number: bool(nodes.busy(number)))  # type: ignore[misc]
        for pid in nodes.busy(number):
            os.kill(pid, signal.SIGKILL)


def lose_a_node(_hunt: Hunt, _process: Process, nodes: Cluster) -> None:
    nodes.remove(nodes.nodes[0])


def preempt_a_node(hunt: Hunt, process: Process, nodes: Cluster) -> None:
    nodes.drain(nodes.nodes[0])
    hunt.wait_for_commits(process, 5)
    nodes.remove(nodes.nodes[0])


def grow_and_shrink(hunt: Hunt, process: Process, nodes: Cluster) -> None:
    added = nodes.add()
    hunt.wait(process, lambda: bool(nodes.busy(added)))
    nodes.remove(nodes.nodes[0])
    nodes.remove(added)


@pytest.mark.parametrize("disturb", [kill_workers, lose_a_node, preempt_a_node, grow_and_shrink])
def test_the_hunt_goes_on_by_itself(
    disturb: Callable[[Hunt, Process, Cluster], None],
    nodes: Cluster,
    archive: str,
    undisturbed: Found,
    tmp_path: Path,
) -> None:
    hunt = Hunt(tmp_path / "hunt", archive, str(tmp_path / "out"))
    process = hunt.start(nodes)
    hunt.wait_for_commits(process, 10)
    disturb(hunt, process, nodes)
    hunt.wait_for_commits(process, 1)
    hunt.end(process)
    hunt.found().check_same(undisturbed)


def test_the_same_command_goes_on_where_a_driver_was_killed(
    nodes: Cluster, archive: str, undisturbed: Found, tmp_path: Path
) -> None:
    hunt = Hunt(tmp_path / "hunt", archive, str(tmp_path / "out"))
    done = 0
    for _ in range(2):
        process = hunt.start(nodes)
        hunt.wait_for_commits(process, 10)
        process.kill()
        hunt.end(process, -signal.SIGKILL)
        assert done < hunt.commits() < FILES
        done = hunt.commits()
    assert splits_done_before(hunt.end(hunt.start(nodes))) >= done
    hunt.found().check_same(undisturbed)


def test_a_full_disk_stops_the_hunt_and_it_goes_on_when_there_is_space(
    nodes: Cluster, archive: str, undisturbed: Found, tmp_path: Path
) -> None:
    if nodes.disk is None:
        pytest.skip("this machine lets nobody mount a small disk")
    seen_at = nodes.on_disk(nodes.disk)
    hunt = Hunt(tmp_path / "hunt", archive, str(nodes.disk / "out"), str(seen_at / "out"))
    process = hunt.start(nodes)
    hunt.wait_for_commits(process, 10)
    ballast = seen_at / "ballast"
    fill_the_disk(ballast)
    errors = hunt.end(process, 1)
    assert "no space left on device" in errors
    assert "Go on with it: hindcast hunt hunt.yaml --resume" in errors
    done = hunt.commits()
    assert 10 <= done < FILES
    ballast.unlink()
    assert splits_done_before(hunt.end(hunt.start(nodes))) == done
    hunt.found().check_same(undisturbed)


@pytest.fixture(scope="module")
def store() -> Iterator[Faults]:
    """A store with a network before it that can be disturbed."""
    with servers.s3_server() as endpoint, faulty(endpoint) as faults:
        yield faults


@pytest.mark.timeout(900)
def test_a_store_that_fails_for_a_while(
    nodes: Cluster, store: Faults, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**servers.CREDENTIALS, "AWS_ENDPOINT_URL": store.endpoint}.items():
        monkeypatch.setenv(name, value)
    archive = f"s3://{servers.BUCKET}/archive"
    write_archive(archive, FILES, SLOW)
    settings = f"storage: {{s3: {{endpoint: '{store.endpoint}'}}, attempts: 3}}\n"
    quiet = Hunt(tmp_path / "quiet", archive, str(tmp_path / "out"), more=settings)
    quiet.end(quiet.start(None))

    hunt = Hunt(tmp_path / "hunt", archive, f"s3://{servers.ANOTHER_BUCKET}/out", more=settings)
    process = hunt.start(nodes)

    def puts(before: int = len(store.requests)) -> int:
        return sum(method == "PUT" and "/commits/" in path for method, path in store.requests[before:])

    hunt.wait(process, lambda: puts() >= 10)
    # More than one request is tried, and fewer than one split is tried with all its requests.
    reads = [Fault("status", 3, "GET"), Fault("reset", 2, "GET"), Fault("short", 2, "GET")]
    writes = [Fault("status", 3, "PUT"), Fault("lost answer", 2, "PUT"), Fault("reset", 2, "PUT")]
    store.coming += [*reads, *writes]
    hunt.end(process)
    assert not any(fault.times for fault in store.coming), "the store failed while the hunt ran"
    hunt.found().check_same(quiet.found())
