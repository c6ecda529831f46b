"""Dashboards and alerts ask for metrics that exist, and for labels that these have."""

import json
import re
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from jobs.watching.metrics import METRICS
from tests.support.infra import INFRA, build, of_kind, pods, selects

MONITORING = INFRA / "monitoring"

ELSEWHERE = {
    # github.com/kubernetes/kube-state-metrics, docs/metrics/workload/{cronjob,job}-metrics.md
    "kube_cronjob_next_schedule_time",
    "kube_cronjob_spec_suspend",
    "kube_job_status_failed",
    # github.com/ray-project/kuberay, ray-operator/controllers/ray/metrics/ray_job_metrics.go
    "kuberay_job_deployment_status",
}
WORDS = {
    *("sum", "by", "on", "or", "and", "unless", "time", "rate", "increase", "max_over_time", "clamp_min"),
    *("histogram_quantile", "label_values"),
}
"""Of PromQL and Grafana, as far as they are used here."""


def exported() -> dict[str, set[str]]:
    """Series of `jobs.watching.metrics` as Ray exports them → their labels."""
    series: dict[str, set[str]] = {}
    for metric in METRICS:
        labels = set(metric.labels)
        if metric.kind == "histogram":
            series[f"ray_{metric.name}_bucket"] = labels | {"le"}
            series[f"ray_{metric.name}_sum"] = series[f"ray_{metric.name}_count"] = labels
        else:
            series[f"ray_{metric.name}"] = labels
    return series


@cache
def of_ray() -> frozenset[str]:
    """Series that Ray's own dashboards ask for."""
    ray = find_spec("ray")
    assert ray
    assert ray.origin
    source = Path(ray.origin).parent / "dashboard/modules/metrics/dashboards/default_dashboard_panels.py"
    return frozenset(re.findall(r"\bray_[a-z_]+\b", source.read_text("utf-8")))


def rules() -> list[dict[str, str]]:
    groups = yaml.safe_load((MONITORING / "rules.yaml").read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def dashboard_queries() -> Iterator[str]:
    board = json.loads((MONITORING / "dashboard.json").read_text("utf-8"))
    for panel in board["panels"]:
        yield from (target["expr"] for target in panel["targets"])
    yield from (each["query"] for each in board["templating"]["list"] if each["type"] == "query")


QUERIES = [*(rule["expr"] for rule in rules()), *dashboard_queries()]


def names_in(query: str) -> set[str]:
    """Every metric of a query."""
    bare = re.sub(r"\{[^}]*\}|\"[^\"]*\"", "", query)
    bare = re.sub(r"\b(by|on) \([^)]*\)", "", bare)
    bare = re.sub(r"(label_values\([^,]*), \w+\)", r"\1)", bare)
    return set(re.findall(r"[a-z_]\w*", re.sub(r"\[\w+\]", "", bare))) - WORDS


def labels_in(query: str) -> set[str]:
    """Every label that a query filters or groups by."""
    used = set(re.findall(r"[{,]\s*(\w+)\s*(?:=~|!=|=)", query))
    for listed in re.findall(r"\b(?:by|on) \(([^)]*)\)", query):
        used |= {name.strip() for name in listed.split(",")}
    used |= set(re.findall(r"label_values\(.*, (\w+)\)", query))
    return used


@pytest.mark.parametrize("query", QUERIES)
def test_every_metric_exists(query: str) -> None:
    names = names_in(query)
    assert names
    assert names <= exported().keys() | of_ray() | ELSEWHERE


@pytest.mark.parametrize("query", QUERIES)
def test_every_label_is_one_that_the_metric_has(query: str) -> None:
    ours = names_in(query) & exported().keys()
    if ours:
        assert labels_in(query) <= set().union(*(exported()[name] for name in ours))


@pytest.mark.parametrize("query", QUERIES)
def test_brackets_close_and_counters_are_not_read_as_gauges(query: str) -> None:
    for opening, closing in ("()", "{}", "[]"):
        assert query.count(opening) == query.count(closing)
    for gauge in (metric for metric in METRICS if metric.kind == "gauge"):
        assert not re.search(rf"(rate|increase)\(ray_{gauge.name}", query)


def test_a_wrong_name_is_found() -> None:
    query = 'sum by (hunt) (rate(ray_hindcast_split_total{status="failed"}[5m])) > 0'
    assert names_in(query) == {"ray_hindcast_split_total"}
    assert names_in(query) - exported().keys()
    assert labels_in(query) == {"hunt", "status"}


def test_every_metric_is_looked_at() -> None:
    asked = set().union(*map(names_in, QUERIES))
    for metric in METRICS:
        assert any(name.startswith(f"ray_{metric.name}") for name in asked), metric.name


def test_both_forms_of_the_rules_say_the_same() -> None:
    (operator,) = of_kind(build(MONITORING), "PrometheusRule")
    assert operator["spec"] == yaml.safe_load((MONITORING / "rules.yaml").read_text("utf-8"))


def test_alerts_say_what_to_do() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names)
    readme = (INFRA / "README.md").read_text("utf-8")
    assert set(re.findall(r"`(Hindcast\w+)`", readme)) == set(names)
    for rule in rules():
        assert rule.keys() <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in {"warning", "critical"}  # type: ignore[index]
        assert rule["annotations"].keys() == {"summary", "description"}  # type: ignore[attr-defined]


def test_what_scrapes_finds_the_pods_and_their_port() -> None:
    objects = build(INFRA / "kubernetes/overlays/aws")
    (monitor,) = of_kind(build(MONITORING), "PodMonitor")
    assert monitor["metadata"]["namespace"] == "hindcast"
    for pod in pods(objects):
        found = selects(monitor["spec"]["selector"], pod.labels)
        assert found == pod.role.startswith("ray-")
        ports = {each["name"]: each["containerPort"] for each in pod.containers[0].get("ports", ())}
        assert not found or ports[monitor["spec"]["podMetricsEndpoints"][0]["port"]] == 8080


def test_panels_do_not_lie_on_each_other() -> None:
    board = json.loads((MONITORING / "dashboard.json").read_text("utf-8"))
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken
        assert at["x"] + at["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
