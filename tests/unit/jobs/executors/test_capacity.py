from datetime import date
from pathlib import Path

from jobs.executors.capacity import GROWTH_S, WORKER_BYTES, Capacity, Growth, capacity, memory_needed
from jobs.preparing.prepare import load_for

GB = 1 << 30


def node(cpus: float, memory: float | None = None, *, alive: bool = True) -> dict[str, object]:
    resources = {"object_store_memory": 1.0, "CPU": cpus, "memory": memory}
    return {"Alive": alive, "Resources": {name: value for name, value in resources.items() if value}}


def test_a_head_without_cpus_and_the_dead_take_no_tasks() -> None:
    nodes = [node(0, 64 * GB), node(8, 32 * GB), node(16, 32 * GB, alive=False)]
    assert capacity(nodes, GB) == Capacity(8, GB)
    assert capacity(nodes[:1], GB) == Capacity(0, None)


def test_memory_bounds_how_many_tasks_run_at_once() -> None:
    assert capacity([node(8, 3.5 * GB), node(2, 9 * GB)], GB) == Capacity(3 + 2, GB)


def test_no_task_asks_for_what_no_node_has() -> None:
    assert capacity([node(2, GB / 4), node(1, GB / 2)], GB) == Capacity(1, GB // 2)
    assert capacity([node(2), node(4)], GB) == Capacity(6, None), "nodes that tell of no memory"


def test_signatures_count_as_memory(here: Path) -> None:
    (here / "s.yaml").write_text("signatures: [{id: t.one, literal: one}]\n")
    program = load_for(["s.yaml"], date(2026, 5, 1)).program
    held = sum(map(len, (*program.databases, *program.folded_databases)))
    assert held > 0
    assert memory_needed(program) == WORKER_BYTES + 2 * held


def test_a_cluster_is_asked_to_grow_to_what_is_left_until_it_has_grown_or_does_not() -> None:
    growth = Growth()
    assert growth.ask(500, 0, 0.0) == 500
    assert growth.ask(400, 64, 100.0) == 500, "no request for each task that ends"
    assert growth.ask(250, 64, 150.0) == 250
    assert growth.ask(400, 64, 160.0) == 400
    assert growth.ask(300, 300, 200.0) == 0, "nothing keeps machines longer than there is work"
    assert growth.ask(300, 200, 300.0) == 300, "machines were lost"
    assert growth.ask(299, 200, 299.0 + GROWTH_S) == 300
    assert growth.ask(299, 200, 300.0 + GROWTH_S) == 0
    assert growth.ask(100, 200, 9e9) == 0
