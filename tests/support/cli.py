"""Runs the command line as its users do: in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def command(*words: str) -> list[str]:
    """The words that start `hindcast` from this working copy."""
    return [sys.executable, "-m", "jobs.cli.main", *words]


def environment(home: Path) -> dict[str, str]:
    """That of a user with an empty home, for whom every warning is an error."""
    home.mkdir(exist_ok=True)
    return {**os.environ, "HOME": str(home), "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}


def hindcast(
    folder: Path, *words: str, stdin: bytes = b"", warnings: str = "error"
) -> subprocess.CompletedProcess[str]:
    """Runs one command line in a folder, with ``home`` in it as the user's home.

    ``warnings`` reaches the processes that Ray starts too, and under Python 3.12 some of those warn of themselves.
    """
    done = subprocess.run(
        command(*words),
        cwd=folder,
        env={**environment(folder / "home"), "PYTHONWARNINGS": warnings},
        input=stdin,
        capture_output=True,
        timeout=120,
        check=False,
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())
