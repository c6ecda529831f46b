"""Reads what `infra/` deploys: a small build of kustomizations, and what the objects in them say of pods."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

INFRA = Path(__file__).resolve().parents[2] / "infra"
OVERLAYS = ("aws", "gcp", "oci")

Manifest = dict[str, Any]

_CLUSTER_WIDE = frozenset({"Namespace", "PriorityClass"})
_SUPPORTED = frozenset(
    {
        "apiVersion",
        "kind",
        "namespace",
        "resources",
        "components",
        "patches",
        "configMapGenerator",
        "generatorOptions",
    }
)


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod that some object makes.

    Attributes:
        where: The object, and its place in it.
        template: Metadata and specification.
    """

    where: str
    template: Manifest

    @property
    def labels(self) -> dict[str, str]:
        """Those that selectors see."""
        labels: dict[str, str] = self.template["metadata"]["labels"]
        return labels

    @property
    def role(self) -> str:
        """What it is for: ``ray-head``, ``ray-worker``, ``submitter`` or ``starter``."""
        return self.labels["app.kubernetes.io/component"]

    @property
    def containers(self) -> list[Manifest]:
        """Those that this project writes; KubeRay copies their settings to those that it adds."""
        return [*self.template["spec"].get("initContainers", ()), *self.template["spec"]["containers"]]


def read_all(path: Path) -> list[Manifest]:
    """The documents of a YAML file."""
    return [each for each in yaml.safe_load_all(path.read_text("utf-8")) if each is not None]


def build(folder: Path) -> list[Manifest]:
    """The objects of a kustomization.

    Knows the parts of kustomize that `infra/` uses and refuses the others, so that nothing is left out unseen.
    """
    given = yaml.safe_load((folder / "kustomization.yaml").read_text("utf-8"))
    unknown = given.keys() - _SUPPORTED
    assert not unknown, f"{folder}: this build does not know {unknown}"
    objects: list[Manifest] = []
    for name in given.get("resources", ()):
        path = folder / name
        objects += build(path) if path.is_dir() else read_all(path)
    objects += [_config_map(folder, each) for each in given.get("configMapGenerator", ())]
    if given.get("configMapGenerator"):
        assert given["generatorOptions"] == {"disableNameSuffixHash": True}
    objects = _all_patched(objects, folder, given)
    for name in given.get("components", ()):
        objects = _with_component(objects, folder / name)
    return [_in_namespace(each, given.get("namespace")) for each in objects]


def identity(manifest: Manifest) -> tuple[str, str, str]:
    """What tells an object from the others of a namespace."""
    metadata = manifest["metadata"]
    return manifest["apiVersion"], manifest["kind"], metadata.get("name") or metadata["generateName"]


def of_kind(objects: list[Manifest], kind: str) -> list[Manifest]:
    """Those objects that are of a kind."""
    return [each for each in objects if each["kind"] == kind]


def nightly(objects: list[Manifest]) -> Manifest:
    """The RayJob that the CronJob creates."""
    (found,) = (
        each for each in of_kind(objects, "ConfigMap") if each["metadata"]["name"] == "hindcast-nightly"
    )
    job: Manifest = yaml.safe_load(found["data"]["rayjob.yaml"])
    return job


def pods(objects: list[Manifest]) -> list[Pod]:
    """Every pod that comes of the objects, those of the nightly RayJob included."""
    found: list[Pod] = []
    for each in objects:
        if each["kind"] == "CronJob":
            found.append(Pod("CronJob", each["spec"]["jobTemplate"]["spec"]["template"]))
            found += _of_ray_job("RayJob", nightly(objects)["spec"])
        elif each["kind"] == "RayCluster":
            found += _of_cluster("RayCluster", each["spec"])
        elif each["kind"] == "RayCronJob":
            found += _of_ray_job("RayCronJob", each["spec"]["jobTemplate"])
    return found


def clusters(objects: list[Manifest]) -> dict[str, Manifest]:
    """Specifications of Ray clusters, by the object that holds them."""
    found: dict[str, Manifest] = {}
    for each in objects:
        if each["kind"] == "RayCluster":
            found["RayCluster"] = each["spec"]
        elif each["kind"] == "CronJob":
            found["RayJob"] = nightly(objects)["spec"]["rayClusterSpec"]
        elif each["kind"] == "RayCronJob":
            found["RayCronJob"] = each["spec"]["jobTemplate"]["rayClusterSpec"]
    return found


def selects(selector: Manifest, labels: dict[str, str]) -> bool:
    """True where a label selector takes a pod; an empty one takes every pod."""
    exact = selector.get("matchLabels", {})
    listed = selector.get("matchExpressions", ())
    assert all(each["operator"] == "In" for each in listed)
    return all(labels.get(key) == value for key, value in exact.items()) and all(
        labels.get(each["key"]) in each["values"] for each in listed
    )


def _of_ray_job(where: str, spec: Manifest) -> Iterator[Pod]:
    yield Pod(f"{where} submitter", spec["submitterPodTemplate"])
    yield from _of_cluster(where, spec["rayClusterSpec"])


def _of_cluster(where: str, spec: Manifest) -> Iterator[Pod]:
    yield Pod(f"{where} head", spec["headGroupSpec"]["template"])
    for group in spec["workerGroupSpecs"]:
        yield Pod(f"{where} {group['groupName']}", group["template"])


def _config_map(folder: Path, given: Manifest) -> Manifest:
    assert given.keys() <= {"name", "namespace", "files", "literals", "options"}
    data = {Path(name).name: (folder / name).read_text("utf-8") for name in given.get("files", ())}
    data |= dict(each.split("=", 1) for each in given.get("literals", ()))
    metadata = {key: given[key] for key in ("name", "namespace") if key in given}
    metadata |= given.get("options", {})
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def _all_patched(objects: list[Manifest], folder: Path, given: Manifest) -> list[Manifest]:
    for patch in given.get("patches", ()):
        assert patch.keys() in ({"path"}, {"patch"})
        text = patch["patch"] if "patch" in patch else (folder / patch["path"]).read_text("utf-8")
        for each in yaml.safe_load_all(text):
            objects = _patched(objects, each)
    return objects


def _patched(objects: list[Manifest], patch: Manifest) -> list[Manifest]:
    patch = copy.deepcopy(patch)
    removed = patch.pop("$patch", None) == "delete"
    assert any(identity(each) == identity(patch) for each in objects), f"nothing to patch: {identity(patch)}"
    rest = [each for each in objects if identity(each) != identity(patch)]
    if removed:
        return rest
    (found,) = (each for each in objects if identity(each) == identity(patch))
    return [*rest, _merged(found, patch)]


def _merged(value: Any, patch: Any) -> Any:
    assert not isinstance(patch, list), "this build does not merge lists"
    if not isinstance(patch, dict):
        return patch
    before = value if isinstance(value, dict) else {}
    return before | {key: _merged(before.get(key), each) for key, each in patch.items()}


def _with_component(objects: list[Manifest], folder: Path) -> list[Manifest]:
    given = yaml.safe_load((folder / "kustomization.yaml").read_text("utf-8"))
    assert given["kind"] == "Component"
    assert given.keys() <= {"apiVersion", "kind", "resources", "patches"}
    for name in given.get("resources", ()):
        objects = [*objects, *read_all(folder / name)]
    return _all_patched(objects, folder, given)


def _in_namespace(manifest: Manifest, namespace: str | None) -> Manifest:
    if namespace is None or manifest["kind"] in _CLUSTER_WIDE:
        return manifest
    return manifest | {"metadata": manifest["metadata"] | {"namespace": namespace}}
