from pathlib import Path

import pytest

from jobs.hunt_file.cluster_keys import ANY_MACHINES, Machines
from jobs.hunt_file.spec import HuntSpec, load_hunt
from scanner.errors import HuntError


def load(folder: Path, cluster: str) -> HuntSpec:
    file = folder / "hunt.yaml"
    file.write_text(f"hunt: a\narchive: {{uri: a}}\nsignatures: s.yaml\noutput: out\n{cluster}\n")
    return load_hunt(file)


@pytest.mark.parametrize(
    ("cluster", "read"),
    [
        ("", ANY_MACHINES),
        ("cluster: {}", ANY_MACHINES),
        ("cluster: {spot: false}", ANY_MACHINES),
        ("cluster: {spot: true}", Machines(spot=True)),
        ("cluster: {cpus: 64}", Machines(cpus=64)),
        ("cluster: {spot: true, cpus: 1}", Machines(spot=True, cpus=1)),
    ],
)
def test_machines_are_read_and_written_back(cluster: str, read: Machines, tmp_path: Path) -> None:
    spec = load(tmp_path, cluster)
    assert spec.machines == read
    assert spec.as_dict().get("cluster", {}) == read.as_written()


@pytest.mark.parametrize(
    ("cluster", "wrong"),
    [
        ("cluster: spot", "cluster: must be a map; write `spot: true` below it"),
        ("cluster: {spot: maybe}", "cluster.spot: must be `true` or `false`"),
        ("cluster: {spot: [true]}", "cluster.spot: must be `true` or `false`"),
        ("cluster: {cpus: 0}", "cluster.cpus: must be a whole number from 1 to"),
        ("cluster: {cpus: [9]}", "cluster.cpus: must be a whole number from 1 to"),
        ("cluster: {cores: 9}", "cluster.cores: there is no such key; the keys here are `spot`, `cpus`"),
    ],
)
def test_wrong_machines_are_refused_with_their_place(cluster: str, wrong: str, tmp_path: Path) -> None:
    with pytest.raises(HuntError) as caught:
        load(tmp_path, cluster)
    assert wrong in str(caught.value)


def test_tasks_prefer_spot_machines_and_take_others() -> None:
    asked = Machines(spot=True).options(5)
    assert asked == {
        "memory": 5,
        "label_selector": {"ray.io/market-type": "spot"},
        "fallback_strategy": [{"label_selector": {}}],
    }
    assert ANY_MACHINES.options(None) == {}


def test_no_more_tasks_than_cpus_are_sent() -> None:
    assert Machines(cpus=3).at_most(9) == 3
    assert Machines(cpus=3).at_most(2) == 2
    assert ANY_MACHINES.at_most(9) == 9
