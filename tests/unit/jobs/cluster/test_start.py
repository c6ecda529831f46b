import ast
import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.cluster import start

FILE = Path(start.__file__)
VERSION = importlib.metadata.version("hindcast")


def run(*words: str, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    done = [sys.executable, *options, str(FILE), *words]
    return subprocess.run(done, capture_output=True, text=True, check=False)


def test_it_becomes_the_hunt(tmp_path: Path) -> None:
    done = run(VERSION, "hunt", str(tmp_path / "none.yaml"))
    assert (done.returncode, done.stdout) == (2, "")
    assert "none.yaml: cannot be read: no such file" in done.stderr


def test_another_hindcast_is_told() -> None:
    done = run("99.1.0", "hunt", "hunt.yaml")
    assert done.returncode == 2
    assert f"the cluster has hindcast {VERSION} and submitted was by 99.1.0" in done.stderr


def test_no_hindcast_is_told() -> None:
    # Isolated and without site-packages, as in an image where nobody installed it.
    done = run(VERSION, "hunt", "hunt.yaml", options=("-I", "-S"))
    assert (done.returncode, done.stdout) == (2, "")
    assert "the cluster's Python has no hindcast" in done.stderr


def test_another_python_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 18, "final", 0))
    assert start.main(VERSION, "hunt", "hunt.yaml") == 2
    assert "the cluster has Python 3.9, and hindcast needs 3.11 or 3.12" in capsys.readouterr().err


def test_older_pythons_can_read_it() -> None:
    ast.parse(FILE.read_text(), feature_version=(3, 8))


def test_what_is_sent_along_is_no_module_of_ours(tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text("raise SystemExit('taken over')")
    done = subprocess.run(
        [sys.executable, str(FILE), VERSION, "hunt", "none.yaml"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "taken over" not in done.stderr
