"""Ray clusters of several nodes on this machine, and the disk that their nodes share and that can be full."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.cli import ROOT, environment

SMALL_DISK_BYTES = 24 << 20

_OWN_MOUNTS = ("unshare", "--mount", "--user", "--map-root-user")


class Cluster:
    """A running cluster.

    Args:
        process: That of `tests.support.cluster_host`.
        disk: Where its processes, and no others, see a small disk; None where this machine lets nobody mount one.

    Attributes:
        address: Where it is joined.
        disk: The folder of that disk, as the cluster's processes and hunts started by `within` see it.
    """

    def __init__(self, process: "subprocess.Popen[str]", disk: Path | None) -> None:
        self._process = process
        self.disk = disk
        self.address: str = self._ask("address")

    @property
    def nodes(self) -> list[int]:
        """Numbers of the nodes that run tasks."""
        return [int(number) for number in self._ask("nodes")]

    def add(self) -> int:
        """One more node with one CPU; gives its number."""
        return int(self._ask("add"))

    def remove(self, number: int) -> None:
        """A node is gone at once, with all its processes."""
        self._ask("remove", number)

    def drain(self, number: int) -> None:
        """A node gets no more tasks, because it is about to be taken away."""
        self._ask("drain", number)

    def busy(self, number: int) -> list[int]:
        """Ids of the processes of a node that run a task at the moment."""
        return [int(pid) for pid in self._ask("busy", number)]

    def have(self, nodes: int) -> None:
        """Adds nodes, or removes some, until there are so many."""
        while len(self.nodes) < nodes:
            self.add()
        for number in self.nodes[nodes:]:
            self.remove(number)

    def within(self, folder: Path) -> list[str]:
        """Words before a command that have it run in a folder, and see the small disk."""
        there = ["env", "-C", str(folder)]
        if self.disk is None:
            return there
        target = [
            "nsenter",
            "--target",
            str(self._process.pid),
            "--mount",
            "--user",
            "--preserve-credentials",
        ]
        return [*target, *there]

    def on_disk(self, path: Path) -> Path:
        """A path on the small disk, as this process reaches it."""
        return Path(f"/proc/{self._process.pid}/root{path}")

    def _ask(self, *command: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(command), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        assert answer, f"the cluster is gone: {command}"
        return json.loads(answer)


@contextlib.contextmanager
def cluster(**variables: str) -> Iterator[Cluster]:
    """A head that runs nothing and two nodes with one CPU each; it ends with the block.

    Args:
        variables: More of the environment that its workers have.
    """
    # Sockets lie in this folder, and their paths may not be long.
    folder = Path(tempfile.mkdtemp(prefix="hc", dir="/tmp"))
    mounts = _can_mount()
    disk = folder / "disk"
    disk.mkdir()
    words = [sys.executable, "-m", "tests.support.cluster_host"]
    if mounts:
        mount = f'mount -t tmpfs -o size={SMALL_DISK_BYTES} small "{disk}" && exec "$@"'
        words = [*_OWN_MOUNTS, "sh", "-c", mount, "sh", *words]
    with (folder / "stderr").open("w") as errors:
        process = subprocess.Popen(
            words,
            cwd=ROOT,
            env={
                **environment(folder / "home"),
                "PYTHONWARNINGS": "",
                "RAY_TMPDIR": str(folder),
                **variables,
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            encoding="utf-8",
        )
    try:
        running = Cluster(process, disk if mounts else None)
        running.have(2)
        yield running
    except BaseException:
        sys.stderr.write((folder / "stderr").read_text()[-4000:])
        raise
    finally:
        process.communicate(timeout=60)
        shutil.rmtree(folder, ignore_errors=True)


def fill_the_disk(ballast: Path) -> None:
    """Writes a file that takes all the space that is left."""
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass


def _can_mount() -> bool:
    """Whether a process may have mounts of its own."""
    if shutil.which("unshare") is None or shutil.which("nsenter") is None or os.name != "posix":
        return False
    tried = subprocess.run(
        [*_OWN_MOUNTS, "mount", "-t", "tmpfs", "small", "/mnt"], capture_output=True, check=False
    )
    return tried.returncode == 0
