"""The image, as far as it can be told without building one."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from jobs.cli.main import ENVIRONMENT
from tests.support.infra import INFRA

IMAGE = INFRA / "image"
ROOT = INFRA.parent
HOME = "/home/hindcast"
STAGES = re.split(r"(?m)^(?=FROM )", (IMAGE / "Dockerfile").read_text("utf-8"))[1:]


def pins(path: Path) -> dict[str, str]:
    """Package and marker → version."""
    found = re.findall(r"(?m)^([a-z0-9-]+)==([^ ]+)( ; [^\\]+)? \\$", path.read_text("utf-8"))
    return {name + marker: version for name, version, marker in found}


@pytest.mark.parametrize("name", ["requirements.lock", "build.lock"])
def test_every_pin_has_hashes_and_is_the_one_that_is_tested(name: str) -> None:
    text = (IMAGE / name).read_text("utf-8")
    blocks = re.split(r"(?m)^(?=[a-z0-9])", text)[1:]
    assert len(blocks) == len(pins(IMAGE / name))
    assert all("--hash=sha256:" in block for block in blocks)
    tested = re.findall(r"(?m)^([a-z0-9-]+)==([^ ]+)", (ROOT / "requirements.lock").read_text("utf-8"))
    known = {package for package, _ in tested}
    for package, version in re.findall(r"(?m)^([a-z0-9-]+)==([^ ]+)", text):
        assert package not in known or (package, version) in tested


def test_the_image_holds_what_runs_a_cluster_and_nothing_for_developers() -> None:
    names = {name.split(" ")[0] for name in pins(IMAGE / "requirements.lock")}
    assert names >= {
        "aiohttp-cors",
        "boto3",
        "gcsfs",
        "hyperscan",
        "pcre2",
        "polars",
        "prometheus-client",
        "pyarrow",
        "ray",
    }
    assert not names & {
        "duckdb",
        "hatchling",
        "hypothesis",
        "jupyter",
        "moto",
        "mypy",
        "pandas",
        "pytest",
    }


def test_stages_stand_on_one_base_that_is_pinned() -> None:
    bases = [re.match(r"FROM (\S+)", stage) for stage in STAGES]
    assert len({found[1] for found in bases if found}) == 1
    assert bases[0]
    assert re.fullmatch(r"python:\d+\.\d+\.\d+-slim-\w+", bases[0][1])


def test_all_is_installed_by_hash() -> None:
    for command in re.findall(r"pip (?:install|wheel)[^&]+", STAGES[0]):
        by_hash = "--require-hashes --only-binary :all:" in re.sub(r"[\\\s]+", " ", command)
        nothing_else = "--no-deps" in command and (
            "--no-index" in command or "--no-build-isolation" in command
        )
        assert by_hash or nothing_else, command
    assert "pip" not in STAGES[1]


def test_the_image_runs_as_the_user_of_the_pods() -> None:
    last_user = re.findall(r"(?m)^USER (\S+)$", STAGES[1])[-1]
    assert last_user == "1000:1000"
    (variables,) = re.findall(r"(?m)^ENV (.+)$", STAGES[1].replace("\\\n", " "))
    assert {"RAY_AUTH_MODE=token", f"HOME={HOME}"} <= set(variables.split())
    assert "--gid 1000 hindcast" in STAGES[1]
    assert "--uid 1000 --gid hindcast --create-home" in STAGES[1]


@pytest.mark.parametrize("cloud", ["aws", "gcp"])
def test_the_launcher_puts_the_token_where_ray_looks_for_it(cloud: str) -> None:
    given = yaml.safe_load((INFRA / f"launcher/{cloud}.yaml").read_text("utf-8"))
    assert given["file_mounts"] == {f"{HOME}/.ray/auth_token": "~/.ray/auth_token"}


def test_what_is_copied_is_there_and_reaches_the_builder() -> None:
    ignore = (IMAGE / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    kept = [line[1:] for line in ignore if line.startswith("!")]
    assert "*" in ignore
    for line in re.findall(r"(?m)^COPY ((?!--from)[^\n]+)$", "".join(STAGES)):
        sources = [part for part in line.split()[:-1] if not part.startswith("--")]
        for source in sources:
            assert (ROOT / source).exists(), source
            assert any(source == each or source.startswith(f"{each}/") for each in kept), source
    assert all((ROOT / each).exists() for each in kept)


@pytest.mark.parametrize(("code", "ends_with"), [(0, 0), (1, 1), (2, 2), (3, 0), (130, 130)])
def test_a_run_with_gaps_has_ended_and_is_not_tried_again(tmp_path: Path, code: int, ends_with: int) -> None:
    stand_in = tmp_path / "hindcast"
    called = f'echo "$HINDCAST_LOG $@" >"{tmp_path}/called"'
    stand_in.write_text(f"#!/bin/sh\n{called}\nexit {code}\n", encoding="utf-8")
    stand_in.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run([IMAGE / "run-hunt", "/hunts/a.yaml"], env={"PATH": path}, check=False, timeout=30)
    assert done.returncode == ends_with
    assert (tmp_path / "called").read_text("utf-8") == "json hunt /hunts/a.yaml --address auto\n"


def test_workers_have_the_environment_that_the_command_gives_those_of_a_local_ray() -> None:
    assert all(f"    {name}={value} \\\n" in STAGES[-1] for name, value in ENVIRONMENT.items())
