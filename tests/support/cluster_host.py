"""A Ray cluster of several nodes on this machine, in a process of its own, so that no other test's Ray is disturbed.

Commands come as lines of JSON, and each is answered with one. The process ends, and the cluster with it, when there
are no more. The head runs nothing.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

# Ray reads these when it is imported. A node that is gone is missed within seconds.
os.environ.update(
    RAY_AUTH_MODE="disabled",
    RAY_USAGE_STATS_ENABLED="0",
    RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO="0",
    RAY_health_check_initial_delay_ms="1000",
    RAY_health_check_period_ms="500",
    RAY_health_check_timeout_ms="1000",
    RAY_health_check_failure_threshold="3",
)

from ray._raylet import GcsClient  # type: ignore[attr-defined]
from ray.cluster_utils import Cluster
from ray.core.generated.autoscaler_pb2 import DrainNodeReason  # type: ignore[attr-defined]

_OF_EACH_NODE: dict[str, Any] = {"object_store_memory": 100 << 20}
DRAIN_S = 30


class Host:
    """The cluster; its nodes have numbers that are not given again."""

    def __init__(self) -> None:
        head = {"num_cpus": 0, "include_dashboard": False, **_OF_EACH_NODE}
        self._cluster = Cluster(initialize_head=True, head_node_args=head)
        self._nodes: dict[int, Any] = {}
        self._given = 0

    def address(self) -> str:
        """Where it is joined."""
        return str(self._cluster.address)

    def add(self) -> int:
        """One more node with one CPU; gives its number."""
        self._given += 1
        node = self._cluster.add_node(num_cpus=1, **_OF_EACH_NODE)
        self._nodes[self._given] = node
        return self._given

    def remove(self, number: int) -> None:
        """A node is gone at once, as if its power had failed."""
        node = self._nodes.pop(number)
        workers = self._children(node)
        self._cluster.remove_node(node, allow_graceful=False)
        for pid in workers:
            _kill(pid)

    def drain(self, number: int) -> None:
        """Tells that a node is about to be taken away by its owner; it gets no more tasks."""
        accepted, reason = GcsClient(address=self._cluster.address).drain_node(
            self._nodes[number].node_id,
            DrainNodeReason.Value("DRAIN_NODE_REASON_PREEMPTION"),
            "a test takes it away",
            time.time_ns() // 1_000_000 + DRAIN_S * 1000,
        )
        if not accepted:
            raise RuntimeError(reason)

    def nodes(self) -> list[int]:
        """Numbers of the nodes that are there."""
        return list(self._nodes)

    def busy(self, number: int) -> list[int]:
        """Ids of the processes of a node that run a task at the moment."""
        return [pid for pid in self._children(self._nodes[number]) if _runs_a_task(pid)]

    def shutdown(self) -> None:
        """Ends all of it."""
        self._cluster.shutdown()  # type: ignore[no-untyped-call]

    def _children(self, node: Any) -> list[int]:
        (raylet,) = node.all_processes["raylet"]
        pid = raylet.process.pid
        return [
            int(child)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]


def _runs_a_task(pid: int) -> bool:
    """Ray's workers name what they do."""
    try:
        title = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    name = title.partition(b"\0")[0]
    return name.startswith(b"ray::") and name != b"ray::IDLE" and not name.endswith(b"Agent")


def _kill(pid: int) -> None:
    try:
        os.kill(pid, 9)
    except ProcessLookupError:
        return


def main() -> None:
    """Obeys until there are no more commands."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # Ray prints, too
    host = Host()
    try:
        for line in sys.stdin:
            name, *arguments = json.loads(line)
            print(json.dumps(getattr(host, name)(*arguments)), file=answers, flush=True)
    finally:
        host.shutdown()


if __name__ == "__main__":
    main()
