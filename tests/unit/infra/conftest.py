import os
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.support.infra import INFRA, OVERLAYS, Manifest, build

VARIANTS = [*OVERLAYS, "aws with RayCronJob"]


@pytest.fixture(scope="session", params=VARIANTS)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A kustomization that somebody may apply."""
    overlays = INFRA / "kubernetes/overlays"
    if request.param in OVERLAYS:
        return overlays / str(request.param)
    here = tmp_path_factory.mktemp("kustomization").resolve()
    given = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": "hindcast",
        "resources": [os.path.relpath(overlays / "aws", here)],
        "components": [os.path.relpath(INFRA / "kubernetes/options/raycronjob", here)],
    }
    (here / "kustomization.yaml").write_text(yaml.safe_dump(given), encoding="utf-8")
    return here


@pytest.fixture(scope="session")
def objects(folder: Path) -> list[Manifest]:
    """What it deploys."""
    return build(folder)


@pytest.fixture(scope="session")
def locked() -> dict[str, str]:
    """What the image installs: package → version, of those that do not depend on the machine."""
    text = (INFRA / "image/requirements.lock").read_text("utf-8")
    return dict(re.findall(r"(?m)^([a-z0-9-]+)==([^ ]+) \\$", text))


@pytest.fixture(scope="session")
def version() -> str:
    """That of hindcast."""
    project = tomllib.loads((INFRA.parent / "pyproject.toml").read_text("utf-8"))["project"]
    return str(project["version"])
