"""What Kubernetes and KubeRay ask of objects together, and no schema of one can say."""

import ipaddress
import re
from typing import Any

import pytest

from tests.support.infra import Manifest, Pod, clusters, identity, nightly, of_kind, pods, selects

LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?")
DNS_1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
DNS_1123 = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
IMAGE = re.compile(r"registry\.example/hindcast:(?P<version>\d+\.\d+\.\d+)")
LONGEST_RAY_NAME = 47
"""KubeRay appends to the names of RayJobs, and refuses longer ones."""

_UNITS = {"": 1.0, "m": 0.001, "Mi": 2.0**20, "Gi": 2.0**30}

RESTRICTED_CONTAINER = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


def quantity(text: str) -> float:
    found = re.fullmatch(r"(\d+)(m|Mi|Gi|)", text)
    assert found, text
    return int(found[1]) * _UNITS[found[2]]


def named(objects: list[Manifest], kind: str) -> set[str]:
    return {each["metadata"]["name"] for each in of_kind(objects, kind)}


def environment(container: Manifest) -> dict[str, str]:
    return {each["name"]: each["value"] for each in container.get("env", ())}


def test_names_and_labels_are_such_as_kubernetes_takes(objects: list[Manifest]) -> None:
    for each in objects:
        metadata = each["metadata"]
        assert DNS_1123.fullmatch(metadata["name"]), metadata["name"]
        assert all(LABEL_VALUE.fullmatch(value) for value in metadata.get("labels", {}).values())
    for pod in pods(objects):
        assert all(LABEL_VALUE.fullmatch(value) for value in pod.labels.values())
        assert all(DNS_1123.fullmatch(container["name"]) for container in pod.containers)


def test_names_of_ray_objects_leave_room_for_what_kuberay_appends(objects: list[Manifest]) -> None:
    given = [each for each in objects if each["apiVersion"] == "ray.io/v1"]
    if of_kind(objects, "CronJob"):
        given.append(nightly(objects))
    for each in given:
        metadata = each["metadata"]
        name = metadata.get("name") or metadata["generateName"] + "xxxxx"
        assert DNS_1035.fullmatch(name)
        assert len(name) <= LONGEST_RAY_NAME


def test_all_is_in_a_namespace_that_takes_restricted_pods_only(objects: list[Manifest]) -> None:
    (namespace,) = of_kind(objects, "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for each in objects:
        if each["kind"] not in {"Namespace", "PriorityClass"}:
            assert each["metadata"]["namespace"] == namespace["metadata"]["name"]


def test_pods_are_such_as_the_namespace_takes(objects: list[Manifest]) -> None:
    contexts = [
        (pod.where, container["securityContext"]) for pod in pods(objects) for container in pod.containers
    ]
    contexts += [
        (name, spec["autoscalerOptions"]["securityContext"]) for name, spec in clusters(objects).items()
    ]
    for where, context in contexts:
        assert context == RESTRICTED_CONTAINER, where
    for pod in pods(objects):
        context = pod.template["spec"]["securityContext"]
        assert context["runAsNonRoot"] is True
        assert context["runAsUser"] > 0
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not pod.template["spec"].keys() & {"hostNetwork", "hostPID", "hostIPC"}


def test_volumes_are_there_and_used_and_hold_no_part_of_the_node(objects: list[Manifest]) -> None:
    for pod in pods(objects):
        volumes = {each["name"]: each for each in pod.template["spec"]["volumes"]}
        mounted = {each["name"] for container in pod.containers for each in container["volumeMounts"]}
        assert mounted == volumes.keys(), pod.where
        for volume in volumes.values():
            assert volume.keys() - {"name"} in ({"configMap"}, {"emptyDir"})
            if "configMap" in volume:
                assert volume["configMap"]["name"] in named(objects, "ConfigMap")
    for spec in clusters(objects).values():
        head = {each["name"] for each in spec["headGroupSpec"]["template"]["spec"]["volumes"]}
        assert {each["name"] for each in spec["autoscalerOptions"]["volumeMounts"]} <= head


def test_what_pods_refer_to_is_there(objects: list[Manifest]) -> None:
    for pod in pods(objects):
        spec = pod.template["spec"]
        assert spec["serviceAccountName"] in named(objects, "ServiceAccount"), pod.where
        if "priorityClassName" in spec:
            assert spec["priorityClassName"] in named(objects, "PriorityClass")
        for container in pod.containers:
            for source in container.get("envFrom", ()):
                if "configMapRef" in source:
                    assert source["configMapRef"]["name"] in named(objects, "ConfigMap")
                else:
                    assert source == {"secretRef": {"name": "hindcast-secrets", "optional": True}}


def test_no_secret_is_in_the_repository(objects: list[Manifest]) -> None:
    assert of_kind(objects, "Secret") == []
    for pod in pods(objects):
        for container in pod.containers:
            assert not [
                name for name in environment(container) if re.search("TOKEN|SECRET|KEY|PASSWORD", name)
            ]
    for config in of_kind(objects, "ConfigMap"):
        assert not [name for name in config["data"] if re.search("TOKEN|SECRET|KEY|PASSWORD", name)]


def test_every_image_is_this_version_of_hindcast(objects: list[Manifest], version: str) -> None:
    images = [container["image"] for pod in pods(objects) for container in pod.containers]
    for image in images:
        found = IMAGE.fullmatch(image)
        assert found, image
        assert found["version"] == version


def test_requests_are_within_limits_and_neither_is_left_out(objects: list[Manifest]) -> None:
    all_resources = [container["resources"] for pod in pods(objects) for container in pod.containers]
    all_resources += [spec["autoscalerOptions"]["resources"] for spec in clusters(objects).values()]
    for resources in all_resources:
        assert resources["requests"].keys() == resources["limits"].keys() == {"cpu", "memory"}
        for name, limit in resources["limits"].items():
            assert quantity(resources["requests"][name]) <= quantity(limit)


def test_ray_knows_the_memory_it_has(objects: list[Manifest]) -> None:
    """KubeRay gives shared memory the size of the container's; Ray's store must leave most of it to workers."""
    for spec in clusters(objects).values():
        for group in (spec["headGroupSpec"], *spec["workerGroupSpecs"]):
            limits = group["template"]["spec"]["containers"][0]["resources"]["limits"]
            memory, cpus = quantity(limits["memory"]), quantity(limits["cpu"])
            store = int(group["rayStartParams"]["object-store-memory"])
            assert store <= memory / 4
            if group is not spec["headGroupSpec"]:
                assert (memory - store) / cpus >= 2.0**30, "a worker process may use 1 GB"


def test_clusters_are_closed_and_grow_by_themselves(objects: list[Manifest]) -> None:
    for spec in clusters(objects).values():
        assert spec["authOptions"] == {"mode": "token", "secretName": "hindcast-ray-token"}
        assert spec["enableInTreeAutoscaling"] is True
        assert spec["autoscalerOptions"]["version"] == "v2"
        assert spec["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
        for group in spec["workerGroupSpecs"]:
            assert group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]
            assert group["labels"] == {"ray.io/market-type": "spot"}
        # KubeRay refuses restarts beside the second autoscaler, and labels beside its own field.
        for group in (spec["headGroupSpec"], *spec["workerGroupSpecs"]):
            assert "restartPolicy" not in group["template"]["spec"]
            assert not group["rayStartParams"].keys() & {"labels", "resources"}


def test_ray_is_the_version_that_is_locked(objects: list[Manifest], locked: dict[str, str]) -> None:
    assert {spec["rayVersion"] for spec in clusters(objects).values()} == {locked["ray"]}


def test_every_cluster_is_the_same_cluster(objects: list[Manifest]) -> None:
    """They are written out in several files, because kustomize cannot share them."""
    (first, *others) = [_without_instance(spec) for spec in clusters(objects).values()]
    assert others
    assert all(other == first for other in others)


def _without_instance(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _without_instance(each) for key, each in value.items() if key != "app.kubernetes.io/instance"
        }
    return [_without_instance(each) for each in value] if isinstance(value, list) else value


def test_workers_drain_before_they_are_killed(objects: list[Manifest]) -> None:
    for pod in pods(objects):
        if pod.role == "ray-worker":
            drain = int(environment(pod.containers[0])["RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S"])
            assert 30 <= drain < pod.template["spec"]["terminationGracePeriodSeconds"] <= 120


def test_only_those_who_ask_kubernetes_hold_a_token(objects: list[Manifest]) -> None:
    accounts = {each["metadata"]["name"]: each for each in of_kind(objects, "ServiceAccount")}
    holders = set()
    for pod in pods(objects):
        spec = pod.template["spec"]
        of_account = accounts[spec["serviceAccountName"]].get("automountServiceAccountToken", True)
        if spec.get("automountServiceAccountToken", of_account):
            holders.add((pod.role, spec["serviceAccountName"]))
    assert holders <= {("ray-head", "hindcast-head"), ("starter", "hindcast-starter")}
    assert ("ray-head", "hindcast-head") in holders


def test_the_only_right_is_to_create_ray_jobs(objects: list[Manifest]) -> None:
    assert not of_kind(objects, "ClusterRole")
    assert not of_kind(objects, "ClusterRoleBinding")
    roles, bindings = of_kind(objects, "Role"), of_kind(objects, "RoleBinding")
    assert len(roles) == len(bindings) == len(of_kind(objects, "CronJob"))
    for role, binding in zip(roles, bindings, strict=True):
        assert role["rules"] == [{"apiGroups": ["ray.io"], "resources": ["rayjobs"], "verbs": ["create"]}]
        assert binding["roleRef"]["name"] == role["metadata"]["name"]
        assert [(each["kind"], each["name"], each["namespace"]) for each in binding["subjects"]] == [
            ("ServiceAccount", "hindcast-starter", "hindcast")
        ]


def test_drivers_are_not_evicted(objects: list[Manifest]) -> None:
    heads = [pod for pod in pods(objects) if pod.role == "ray-head"]
    budgets = of_kind(objects, "PodDisruptionBudget")
    for pod in heads:
        (budget,) = (each for each in budgets if selects(each["spec"]["selector"], pod.labels))
        # A number, because pods of a custom resource have no controller whose share could be taken.
        assert budget["spec"].keys() == {"minAvailable", "selector"}
        assert budget["spec"]["minAvailable"] == 1
        assert pod.template["metadata"]["annotations"] == {
            "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
            "karpenter.sh/do-not-disrupt": "true",
        }
    for pod in pods(objects):
        assert pod.role == "ray-head" or not any(selects(b["spec"]["selector"], pod.labels) for b in budgets)


def test_workers_wait_behind_everybody(objects: list[Manifest]) -> None:
    classes = {each["metadata"]["name"]: each for each in of_kind(objects, "PriorityClass")}
    worker, head = classes["hindcast-worker"], classes["hindcast-head"]
    assert -10 < worker["value"] < head["value"] < 1_000_000_000, "node autoscalers ignore pods below -10"
    assert worker["preemptionPolicy"] == "Never"
    assert all(
        pod.template["spec"]["priorityClassName"] == pod.role.replace("ray", "hindcast")
        for pod in pods(objects)
        if pod.role.startswith("ray-")
    )


@pytest.fixture
def roles(objects: list[Manifest]) -> set[str]:
    return {pod.role for pod in pods(objects)}


def test_every_policy_speaks_of_pods_that_are_there(objects: list[Manifest]) -> None:
    everyone = [pod.labels for pod in pods(objects)]
    for policy in of_kind(objects, "NetworkPolicy"):
        name = identity(policy)
        assert any(selects(policy["spec"]["podSelector"], labels) for labels in everyone), name
        for rule in policy["spec"].get("ingress", []) + policy["spec"].get("egress", []):
            for peer in rule.get("from", []) + rule.get("to", []):
                if "podSelector" in peer and "namespaceSelector" not in peer:
                    assert any(selects(peer["podSelector"], labels) for labels in everyone), name


ALLOWED = {
    ("ray-head", "ray-worker", 10002),
    ("ray-worker", "ray-head", 6379),
    ("ray-worker", "ray-worker", 8076),
    ("submitter", "ray-head", 8265),
}
REFUSED = {
    ("submitter", "ray-head", 6379),
    ("submitter", "ray-worker", 8265),
    ("starter", "ray-head", 8265),
    ("ray-worker", "starter", 443),
}


def test_pods_reach_each_other_as_ray_needs_and_no_further(objects: list[Manifest], roles: set[str]) -> None:
    by_role = {pod.role: pod for pod in pods(objects)}
    for source, target, port in ALLOWED | REFUSED:
        if {source, target} <= roles:
            reached = leaves(objects, by_role[source], by_role[target], port)
            reached &= enters(objects, by_role[source], by_role[target], port)
            assert reached == ((source, target, port) in ALLOWED), (source, target, port)


def test_only_ray_reaches_the_object_stores_and_only_its_head_kubernetes(objects: list[Manifest]) -> None:
    for pod in pods(objects):
        assert goes_to(objects, pod, "52.219.1.1", 443) == pod.role.startswith("ray-"), pod.where
        assert goes_to(objects, pod, "10.0.0.1", 443) == (pod.role in {"ray-head", "starter"}), pod.where
        assert not goes_to(objects, pod, "52.219.1.1", 80)
        assert not goes_to(objects, pod, "169.254.169.254", 443)


def leaves(objects: list[Manifest], source: Pod, target: Pod, port: int) -> bool:
    return _crosses(objects, "egress", source, target, port)


def enters(objects: list[Manifest], source: Pod, target: Pod, port: int) -> bool:
    return _crosses(objects, "ingress", target, source, port)


def _rules(objects: list[Manifest], direction: str, pod: Pod) -> list[Manifest]:
    policies = [
        each["spec"]
        for each in of_kind(objects, "NetworkPolicy")
        if selects(each["spec"]["podSelector"], pod.labels)
    ]
    assert any(direction.title() in spec["policyTypes"] for spec in policies), "an unselected pod is open"
    return [rule for spec in policies for rule in spec.get(direction, ())]


def _opens(rule: Manifest, port: int) -> bool:
    return "ports" not in rule or any(
        each["protocol"] == "TCP" and each["port"] == port for each in rule["ports"]
    )


def _crosses(objects: list[Manifest], direction: str, selected: Pod, other: Pod, port: int) -> bool:
    key = {"egress": "to", "ingress": "from"}[direction]
    return any(
        _opens(rule, port) and selects(peer["podSelector"], other.labels)
        for rule in _rules(objects, direction, selected)
        for peer in rule[key]
        if "podSelector" in peer and "namespaceSelector" not in peer
    )


def goes_to(objects: list[Manifest], pod: Pod, address: str, port: int) -> bool:
    def holds(block: Manifest) -> bool:
        here = ipaddress.ip_address(address)
        excepted = any(here in ipaddress.ip_network(each) for each in block.get("except", ()))
        return here in ipaddress.ip_network(block["cidr"]) and not excepted

    return any(
        _opens(rule, port) and holds(peer["ipBlock"])
        for rule in _rules(objects, "egress", pod)
        for peer in rule["to"]
        if "ipBlock" in peer
    )
