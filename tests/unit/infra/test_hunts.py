"""What the cluster is told to run: hunts that load, signatures that pass their own examples."""

import os
import re
import shlex
from pathlib import Path

import pytest

from jobs.cli import hunt
from jobs.cli.main import main
from jobs.hunt_file.spec import load_hunt
from tests.support.infra import INFRA, OVERLAYS, Manifest, nightly, of_kind, pods

MOUNTS = {"/hunts": "hunts", "/signatures": "signatures"}


def config(objects: list[Manifest], name: str) -> dict[str, str]:
    (found,) = (each for each in of_kind(objects, "ConfigMap") if each["metadata"]["name"] == name)
    data: dict[str, str] = found["data"]
    return data


def test_the_command_names_a_hunt_that_the_head_finds(objects: list[Manifest]) -> None:
    jobs = [each["spec"]["jobTemplate"] for each in of_kind(objects, "RayCronJob")]
    if of_kind(objects, "CronJob"):
        jobs.append(nightly(objects)["spec"])
    assert jobs
    for job in jobs:
        program, file, *options = shlex.split(job["entrypoint"])
        assert options == ["--only-new"], "a night hunts what the nights before have not"
        assert os.access(INFRA / "image" / program, os.X_OK)
        assert Path(file).parent == Path("/hunts")
        assert Path(file).name in config(objects, "hindcast-hunts")
    for pod in pods(objects):
        if pod.role == "ray-head":
            mounts = {each["mountPath"]: each["name"] for each in pod.containers[0]["volumeMounts"]}
            assert mounts.items() >= MOUNTS.items()


def test_the_command_line_has_what_the_image_calls() -> None:
    (line,) = re.findall(r"(?m)^hindcast hunt .*$", (INFRA / "image/run-hunt").read_text("utf-8"))
    known = {name for each in hunt.command.params for name in each.opts}
    assert {"--only-new", *re.findall(r"--[a-z-]+", line)} <= known


def test_an_attempt_ends_before_the_next_night(objects: list[Manifest]) -> None:
    for each in of_kind(objects, "CronJob"):
        assert each["spec"]["schedule"].split()[2:] == ["*", "*", "*"], "once a day"
        assert nightly(objects)["spec"]["activeDeadlineSeconds"] < 24 * 3600


def test_the_starter_posts_the_run_where_it_belongs(objects: list[Manifest]) -> None:
    for each in of_kind(objects, "CronJob"):
        pod = each["spec"]["jobTemplate"]["spec"]["template"]["spec"]
        (command,) = pod["containers"][0]["args"]
        job = nightly(objects)
        group, version = job["apiVersion"].split("/")
        namespace = job["metadata"]["namespace"]
        assert namespace == each["metadata"]["namespace"]
        assert f"/apis/{group}/{version}/namespaces/{namespace}/rayjobs?fieldValidation=Strict" in command
        (mount,) = pod["containers"][0]["volumeMounts"]
        (volume,) = pod["volumes"]
        assert f"--post-file={mount['mountPath']}/rayjob.yaml" in command
        assert "rayjob.yaml" in config(objects, volume["configMap"]["name"])


@pytest.mark.parametrize("cloud", OVERLAYS)
def test_hunts_load(cloud: str) -> None:
    spec = load_hunt(INFRA / f"kubernetes/overlays/{cloud}/nightly-fraud.yaml")
    assert spec.hunt == "nightly-fraud"
    assert spec.signatures == ("/signatures",)


def test_the_example_signatures_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(INFRA.parent)
    folder = "infra/kubernetes/base/signatures"
    for verb in (["check", "--warnings-as-errors"], ["test"]):
        assert main(["signatures", *verb, folder]) == 0
