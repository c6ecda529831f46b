"""Hunts submitted to a real head of Ray with token authentication, from an environment that has no Ray."""

import contextlib
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.support.cli import ROOT

TOKEN = "0123456789abcdef0123456789abcdef"  # noqa: S105 - that of a cluster of some seconds
START_S = 120

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("aiohttp_cors") is None,
        reason="a head with the Jobs API needs `ray[default]`",
    ),
]

HUNT = """\
hunt: {hunt}
archive: {{uri: {uri}, text_columns: [text], record_id: id}}
signatures: ../signatures/
output: {output}
"""
SIGNATURES = """\
signatures:
  - {id: t.alpha, regex: 'alp?ha\\d'}
  - {id: t.lures, list: lists/lures.txt, flags: i}
"""


@dataclass(frozen=True)
class Laptop:
    """Where people submit from.

    Attributes:
        python: Of an environment without Ray.
        folder: With the hunts and signatures.
        address: Of the head.
    """

    python: Path
    folder: Path
    address: str

    def environment(self, token: str = TOKEN) -> dict[str, str]:
        """That of the laptop's user."""
        known = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
        own = {"HOME": str(self.folder), "PYTHONWARNINGS": "error", "RAY_AUTH_TOKEN": token}
        return {**known, **own, "RAY_API_SERVER_ADDRESS": self.address}

    def command(self, *words: str) -> list[str]:
        """The words that start hindcast there."""
        return [str(self.python), "-m", "jobs.cli.main", *words]

    def run(self, *words: str, token: str = TOKEN) -> subprocess.CompletedProcess[str]:
        """Runs hindcast there."""
        return subprocess.run(
            self.command(*words),
            cwd=self.folder,
            env=self.environment(token),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def runs(self) -> list[dict[str, object]]:
        """What the cluster was given, the latest first."""
        listed: list[dict[str, object]] = json.loads(self.run("list", "--json").stdout)
        return listed


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    # The names of Ray's sockets have to be short.
    folder = Path(tempfile.mkdtemp(prefix="hc-", dir="/tmp"))
    port, dashboard, agent, client = free_ports(4)
    options = {
        "port": port,
        "dashboard-host": "127.0.0.1",
        "dashboard-port": dashboard,
        "dashboard-agent-listen-port": agent,
        "ray-client-server-port": client,
        "min-worker-port": 0,
        "max-worker-port": 0,
        "num-cpus": 1,
        "object-store-memory": 128 << 20,
        "temp-dir": folder,
    }
    scripts = Path(sysconfig.get_path("scripts"))
    environ = {
        **os.environ,
        "HOME": str(tmp_path_factory.mktemp("home")),
        "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": TOKEN,
        "RAY_USAGE_STATS_ENABLED": "0",
        # Else its end waits for work to move to other machines.
        "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "0",
    }
    words = [str(scripts / "ray"), "start", "--head", "--block", "--disable-usage-stats"]
    with (folder / "start.log").open("wb") as log:
        process = subprocess.Popen(
            [*words, *(f"--{name}={value}" for name, value in options.items())],
            env=environ,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        address = f"http://127.0.0.1:{dashboard}"
        wait_until_it_answers(address, process, folder / "start.log")
        yield address
    finally:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(30)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def wait_until_it_answers(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    asked = urllib.request.Request(f"{address}/api/jobs/", headers={"Authorization": f"Bearer {TOKEN}"})  # noqa: S310
    end = time.monotonic() + START_S
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            urllib.request.urlopen(asked, timeout=5).close()  # noqa: S310
            return
        time.sleep(0.2)
    pytest.fail(f"Ray did not start:\n{log.read_text()}")


@pytest.fixture(scope="module")
def python_without_ray(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with everything that this one has, but Ray."""
    folder = tmp_path_factory.mktemp("laptop") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if entry.name != "ray" and not entry.name.startswith("ray-"):
            (packages / entry.name).symlink_to(entry)
    (packages / "checkout.pth").write_text(f"{ROOT}\n")
    python = folder / "bin" / "python"
    done = subprocess.run([str(python), "-c", "import ray"], capture_output=True, text=True, check=False)
    assert "No module named 'ray'" in done.stderr
    return python


@pytest.fixture(scope="module")
def laptop(python_without_ray: Path, head: str, tmp_path_factory: pytest.TempPathFactory) -> Laptop:
    folder = tmp_path_factory.mktemp("work")
    for name in ("hunts", "signatures/lists", "archive", "broken"):
        (folder / name).mkdir(parents=True)
    (folder / "signatures" / "pack.yaml").write_text(SIGNATURES)
    (folder / "signatures" / "lists" / "lures.txt").write_text("free coins\n")
    texts = ["alpha1" if i % 10 == 0 else "FREE COINS" if i % 10 == 1 else "nothing" for i in range(1000)]
    table = pa.table({"id": [str(i) for i in range(1000)], "text": texts})
    for name in ("archive/a", "archive/b", "broken/a"):
        pq.write_table(table, folder / f"{name}.parquet", row_group_size=250)
    (folder / "broken" / "b.parquet").write_bytes(b"PAR1 but not really PAR1")
    for hunt in ("archive", "broken", "absent"):
        text = HUNT.format(hunt=hunt, uri=folder / hunt, output=folder / "results")
        (folder / "hunts" / f"{hunt}.yaml").write_text(text)
    return Laptop(python_without_ray, folder, head)


def test_a_hunt_runs_on_the_cluster_once(laptop: Laptop) -> None:
    done = laptop.run("submit", "hunts/archive.yaml")
    assert done.returncode == 0, done.stderr
    (told,) = laptop.runs()
    assert (told["hunt"], told["state"], told["exit_code"]) == ("archive", "complete", 0)
    assert f"run {told['run_id']}  COMPLETE" in done.stdout
    assert f"started run {told['run_id']} of archive on {laptop.address}" in done.stderr
    hits = pq.read_table(Path(str(told["results"])) / "hits")
    assert hits.num_rows == 400
    assert set(hits["run_id"].to_pylist()) == {told["run_id"]}

    again = laptop.run("submit", "hunts/archive.yaml")
    assert again.returncode == 0
    assert f"run {told['run_id']} of archive on {laptop.address} has ended before" in again.stderr
    assert len(laptop.runs()) == 1
    logs = laptop.run("logs", str(told["run_id"]))
    assert "hunting 2,000 records" in logs.stdout
    followed = laptop.run("logs", "-f", str(told["run_id"]))
    assert (followed.returncode, followed.stdout) == (0, logs.stdout)


def test_gaps_and_refusals_reach_the_laptop(laptop: Laptop) -> None:
    done = laptop.run("submit", "hunts/broken.yaml")
    assert done.returncode == 3, done.stderr
    assert "COMPLETE WITH GAPS" in done.stdout.upper()
    done = laptop.run("submit", "hunts/absent.yaml")
    assert done.returncode == 2
    assert "is not seen from here" in done.stderr
    assert "files/hunts/absent.yaml:2: archive.uri" in done.stdout


def test_letting_go_coming_back_and_stopping(laptop: Laptop) -> None:
    (laptop.folder / "hunts" / "other.yaml").write_text(
        HUNT.format(hunt="other", uri=laptop.folder / "archive", output=laptop.folder / "results")
    )
    process = subprocess.Popen(
        laptop.command("submit", "hunts/other.yaml"),
        cwd=laptop.folder,
        env=laptop.environment(),
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert process.stderr.readline().startswith("started run ")
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=30)
    assert process.returncode == 130, told
    run_id = str(laptop.runs()[0]["run_id"])
    assert f"Come back: hindcast logs -f {run_id}" in told

    second = laptop.run("submit", "hunts/other.yaml", "--detach", "--json")
    assert json.loads(second.stdout)["run_id"] == run_id
    assert json.loads(second.stdout)["new"] is False
    stopped = laptop.run("stop", run_id, "--json")
    assert json.loads(stopped.stdout)["state"] == "stopped"
    assert not (laptop.folder / "results" / "hunt=other" / f"run={run_id}" / "run.json").exists()
    third = laptop.run("submit", "hunts/other.yaml", "--json")
    assert third.returncode == 0, third.stderr
    assert json.loads(third.stdout)["new"] is True


def test_a_wrong_token_is_told(laptop: Laptop) -> None:
    done = laptop.run("submit", "hunts/archive.yaml", token="wrong")  # noqa: S106
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"{laptop.address}: refuses the token from RAY_AUTH_TOKEN")
