"""Every kustomization builds, and into the same objects by kustomize itself where it is installed."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.support.infra import INFRA, Manifest, build, identity


def by_kustomize(folder: Path) -> list[Manifest]:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not installed")
    done = subprocess.run(
        [kubectl, "kustomize", str(folder)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def test_no_two_objects_have_one_name(objects: list[Manifest]) -> None:
    assert len({identity(each) for each in objects}) == len(objects)


def test_kustomize_builds_the_same_objects(folder: Path, objects: list[Manifest]) -> None:
    theirs = {identity(each): each for each in by_kustomize(folder)}
    ours = {identity(each): each for each in objects}
    assert theirs.keys() == ours.keys()
    for name, each in ours.items():
        assert theirs[name] == each


def test_what_watches_builds_too() -> None:
    folder = INFRA / "monitoring"
    ours = build(folder)
    assert {identity(each): each for each in by_kustomize(folder)} == {identity(each): each for each in ours}


def test_every_yaml_file_is_part_of_a_kustomization() -> None:
    """A file that nothing lists is a file that nobody deploys."""
    named = {"kustomization.yaml"}
    for path in INFRA.glob("kubernetes/**/kustomization.yaml"):
        given = yaml.safe_load(path.read_text("utf-8"))
        names = [*given.get("resources", ()), *(p["path"] for p in given.get("patches", ()) if "path" in p)]
        names += [name for each in given.get("configMapGenerator", ()) for name in each.get("files", ())]
        assert all((path.parent / name).exists() for name in names)
        named |= {Path(name).name for name in names if name.endswith(".yaml")}
    assert {path.name for path in INFRA.glob("kubernetes/**/*.yaml")} == named
