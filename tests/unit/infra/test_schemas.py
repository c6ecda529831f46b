"""Every object fits its schema: KubeRay's own, and for pods and policies the parts of Kubernetes' that it repeats."""

from typing import Any

import pytest

from tests.support.crds import problems, schema_of, within
from tests.support.infra import INFRA, Manifest, build, nightly, of_kind, pods

KUBERAY = {"RayCluster", "RayJob", "RayCronJob"}

FIELDS = {
    "ConfigMap": {"data"},
    "CronJob": {"spec"},
    "Namespace": set(),
    "NetworkPolicy": {"spec"},
    "PodDisruptionBudget": {"spec"},
    "PriorityClass": {"value", "preemptionPolicy", "description"},
    "Role": {"rules"},
    "RoleBinding": {"roleRef", "subjects"},
    "ServiceAccount": {"automountServiceAccountToken"},
}
CRON_JOB = {
    "schedule",
    "timeZone",
    "concurrencyPolicy",
    "startingDeadlineSeconds",
    "successfulJobsHistoryLimit",
    "failedJobsHistoryLimit",
    "jobTemplate",
}
JOB = {"backoffLimit", "activeDeadlineSeconds", "ttlSecondsAfterFinished", "template"}
"""What of Kubernetes' own kinds is used here, by the reference of its API; a misspelt name is none of these."""


def test_kuberay_accepts_its_objects(objects: list[Manifest]) -> None:
    given = [each for each in objects if each["kind"] in KUBERAY]
    if of_kind(objects, "CronJob"):
        given.append(nightly(objects))
    assert {each["kind"] for each in given} >= {"RayCluster"}
    for each in given:
        assert problems(each, schema_of(each["kind"])) == []


def test_kubernetes_accepts_every_pod(objects: list[Manifest]) -> None:
    schema = within("RayJob", "spec", "submitterPodTemplate")
    for pod in pods(objects):
        assert problems(pod.template, schema) == [], pod.where


def test_kubernetes_accepts_every_network_rule(objects: list[Manifest]) -> None:
    head = ("spec", "networkPolicy", "head")
    schemas = {
        "ingress": within("RayCluster", *head, "ingressRules"),
        "egress": within("RayCluster", *head, "egressRules"),
    }
    for policy in of_kind(objects, "NetworkPolicy"):
        spec = policy["spec"]
        assert spec.keys() <= {"podSelector", "policyTypes", *schemas}
        for direction, schema in schemas.items():
            assert problems(spec.get(direction, []), schema) == []
            assert direction not in spec or direction.title() in spec["policyTypes"]


def test_other_objects_have_the_fields_of_their_kind(objects: list[Manifest]) -> None:
    for each in objects:
        if each["kind"] not in KUBERAY:
            assert each.keys() - {"apiVersion", "kind", "metadata"} <= FIELDS[each["kind"]]
    for each in of_kind(objects, "CronJob"):
        assert each["spec"].keys() == CRON_JOB
        assert each["spec"]["jobTemplate"]["spec"].keys() == JOB


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("spec", "workerGroupSpecs", 0, "minReplicas"), "none"),
        (("spec", "workerGroupSpecs", 0, "minReplica"), 1),
        (("spec", "authOptions", "mode"), "tokens"),
        (("spec", "headGroupSpec", "template", "spec", "containers", 0, "imag"), "x"),
        (("spec", "autoscalerOptions", "version"), "v3"),
    ],
)
def test_the_schemas_refuse_what_is_wrong(path: tuple[Any, ...], value: object) -> None:
    (cluster,) = of_kind(build(INFRA / "kubernetes/overlays/aws"), "RayCluster")
    place: Any = cluster
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    assert problems(cluster, schema_of("RayCluster")) != []
