"""A hunt as objects of Kubernetes, beside those that infra/kubernetes deploys.

The templates are those of infra/kubernetes, which an installed hindcast does not have: a test keeps them the same.
"""

import copy
import hashlib
import re
import shlex
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import yaml

from jobs.schedule.files import Scheduled
from scanner.errors import HuntError, Problem

NAMESPACE: Final = "hindcast"
MANIFESTS: Final = Path(__file__).with_name("manifests")

_SIGNATURES: Final = "/signatures"
_INSTANCE: Final = "app.kubernetes.io/instance"
_LONGEST_NAME: Final = 40
"""KubeRay appends to the names of RayJobs, refuses those beyond 47, and six are appended before."""

_LEAST_GAP: Final = timedelta(hours=1)
_OF_A_GAP: Final = 11 / 12
"""An attempt ends before the next time comes, which then goes on with its run."""

_OF_RAY_CRON_JOBS: Final = """\
# KubeRay needs the feature gate RayCronJob=true. It keeps no two runs apart and forgets the times that it missed.
"""

_Manifest = dict[str, Any]


def cron_job(hunt: Scheduled, image: str | None, now: datetime) -> str:
    """A CronJob that creates a RayJob, with all that the two need.

    Raises:
        HuntError: The pods would not find what the hunt names, or there is no time for them.
    """
    name = _checked_name(hunt, now)
    job = _ray_job(hunt, name, image, now)
    made = _template("cronjob.yaml")
    made["metadata"] |= {"name": name, "namespace": NAMESPACE}
    made["spec"] |= _when(hunt)
    pod = made["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    for volume in pod["volumes"]:
        volume["configMap"] = {"name": _rayjob_name(name)}
    _set_image(pod, image)
    config = _config_map(_rayjob_name(name), {"rayjob.yaml": _dumped([job])})
    return _header(hunt) + _dumped([_hunt_file(hunt, name), config, made])


def ray_cron_job(hunt: Scheduled, image: str | None, now: datetime) -> str:
    """A RayCronJob, with all that it needs.

    Raises:
        HuntError: The pods would not find what the hunt names, or there is no time for them.
    """
    name = _checked_name(hunt, now)
    job = _ray_job(hunt, name, image, now)
    made = {
        "apiVersion": job["apiVersion"],
        "kind": "RayCronJob",
        "metadata": _metadata(name),
        "spec": {**_when(hunt), "jobTemplate": job["spec"]},
    }
    return _header(hunt) + _OF_RAY_CRON_JOBS + _dumped([_hunt_file(hunt, name), made])


def _header(hunt: Scheduled) -> str:
    return (
        f"# hindcast: the hunt {hunt.spec.hunt}, for a namespace with the accounts, rights and ConfigMaps of\n"
        "# infra/kubernetes (hindcast-storage, hindcast-signatures).\n"
    )


def _ray_job(hunt: Scheduled, name: str, image: str | None, now: datetime) -> _Manifest:
    job = _template("rayjob.yaml")
    job["metadata"] |= {"generateName": f"{name}-", "namespace": NAMESPACE}
    gap = hunt.schedule.cron.shortest_gap(now, hunt.schedule.zone)
    spec = job["spec"]
    spec["entrypoint"] = shlex.join(["run-hunt", f"/hunts/{_hunt_key(hunt)}", "--only-new"])
    spec["activeDeadlineSeconds"] = int(gap.total_seconds() * _OF_A_GAP)
    cluster = spec["rayClusterSpec"]
    head = cluster["headGroupSpec"]["template"]
    groups = [group["template"] for group in cluster["workerGroupSpecs"]]
    for pod in (spec["submitterPodTemplate"], head, *groups):
        pod["metadata"]["labels"][_INSTANCE] = name
        _set_image(pod["spec"], image)
    job["metadata"]["labels"][_INSTANCE] = name
    for volume in head["spec"]["volumes"]:
        if volume["name"] == "hunts":
            volume["configMap"] = {"name": f"{name}-hunt"}
    return job


def _checked_name(hunt: Scheduled, now: datetime) -> str:
    problems = tuple(_unfit(hunt, now))
    if problems:
        raise HuntError(problems)
    plain = re.sub(r"[._]", "-", hunt.spec.hunt).rstrip("-")
    if plain == hunt.spec.hunt and len(plain) <= _LONGEST_NAME:
        return plain
    # Kubernetes' names are shorter and know fewer signs: two hunts must not become one.
    digest = hashlib.sha256(hunt.spec.hunt.encode()).hexdigest()[:8]
    return f"{plain[: _LONGEST_NAME - len(digest) - 1].rstrip('-')}-{digest}"


def _unfit(hunt: Scheduled, now: datetime) -> Iterator[Problem]:
    spec = hunt.spec
    named = [("archive.uri", uri) for uri in spec.uris] + [("output", spec.output)]
    if spec.manifest is not None:
        named.append(("archive.manifest", spec.manifest))
    for key, uri in named:
        if "://" not in uri:
            yield spec.problem(key, f"`{uri}` is a path of this machine, which pods do not have; write a URI")
    for path in spec.signatures:
        if Path(path) != Path(_SIGNATURES) and Path(_SIGNATURES) not in Path(path).parents:
            message = (
                f"`{path}` is a path of this machine; write `signatures: [{_SIGNATURES}]`, and put the files into the "
                "ConfigMap hindcast-signatures, which pods find there"
            )
            yield spec.problem("signatures", message)
    if spec.alerts.file is not None:
        yield spec.problem("alerts.file", "is lost with the pod that writes it; name a `webhook:`")
    if hunt.schedule.cron.shortest_gap(now, hunt.schedule.zone) < _LEAST_GAP:
        message = (
            "comes more often than once an hour, and each time a cluster has to come up; write fewer times"
        )
        yield spec.problem("schedule.cron", message)


def _when(hunt: Scheduled) -> _Manifest:
    return {"schedule": hunt.schedule.cron.text(), "timeZone": hunt.schedule.timezone}


def _hunt_file(hunt: Scheduled, name: str) -> _Manifest:
    return _config_map(f"{name}-hunt", {_hunt_key(hunt): Path(hunt.file).read_bytes().decode("utf-8-sig")})


def _hunt_key(hunt: Scheduled) -> str:
    return f"{hunt.spec.hunt}.yaml"


def _rayjob_name(name: str) -> str:
    return f"{name}-rayjob"


def _config_map(name: str, data: dict[str, str]) -> _Manifest:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": _metadata(name), "data": data}


def _metadata(name: str) -> _Manifest:
    return {"name": name, "namespace": NAMESPACE, "labels": {"app.kubernetes.io/part-of": "hindcast"}}


def _set_image(pod: _Manifest, image: str | None) -> None:
    for container in pod["containers"] if image else ():
        container["image"] = image


def _template(name: str) -> _Manifest:
    made: _Manifest = yaml.safe_load((MANIFESTS / name).read_text("utf-8"))
    return copy.deepcopy(made)


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as such, and repeats what aliases would point at."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - PyYAML's signature
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def _dumped(documents: list[_Manifest]) -> str:
    return yaml.dump_all(documents, Dumper=_Dumper, sort_keys=False, width=10_000, allow_unicode=False)
