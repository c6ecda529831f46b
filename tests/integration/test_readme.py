"""The commands of the README do what the README says, in the order in which it says it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.datagen.archive import write_archive
from tests.support.cli import ROOT, environment

# `make demo` and `make test` are whole runs of their own.
COMMANDS = [
    command
    for block in re.findall(r"```console\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    for command in re.findall(r"^\$ (.*)$", block, re.MULTILINE)
    if not command.startswith("make ")
]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that looks like a clone in which `make demo` has made an archive."""
    folder = tmp_path_factory.mktemp("clone")
    shutil.copytree(ROOT / "jobs" / "examples", folder / "jobs" / "examples")
    write_archive(folder / "demo", 4_000, 2, 7)
    return folder


def test_the_commands_of_the_readme_work(checkout: Path) -> None:
    # The later ones show what the earlier ones made.
    assert len(COMMANDS) >= 8
    home = environment(checkout / "home")
    path = f"{Path(sys.executable).parent}{os.pathsep}{home['PATH']}"
    for command in COMMANDS:
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            cwd=checkout,
            env={**home, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"
        assert done.stdout, command
