"""Whether a cluster can be reached and used, and what hindcast there finds of the hunt."""

import json
import shlex
import time
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version

from jobs.cluster.head import Head, Submission
from jobs.cluster.http import ClusterError, Pause
from jobs.cluster.package import START, Package, pack_start
from jobs.cluster.submit import RAY_VERSIONS, fits
from jobs.doctor.check import Check, read_checks

WAIT_S = 120
"""How long the cluster has to start hindcast and to answer."""

_LAST_LINES = 3


def check_cluster(
    head: Head, package: Package | None, tag: str, pause: Pause = time.sleep
) -> Iterator[Check]:
    """Asks the head who it is, and has hindcast look around there: hunts have the cluster's rights, not ours.

    Args:
        head: Of the cluster.
        package: The hunt and its signatures; None where no hunt is looked at.
        tag: Tells this examination from others on the cluster.
        pause: Waits for some seconds.
    """
    address = head.address
    try:
        found = head.version()
    except ClusterError as error:
        seen, _, remedy = error.message.partition("; ")
        yield Check("cluster.reach", "failed", seen, remedy, address)
        return
    yield Check("cluster.reach", "ok", "the head answers, and lets us in", subject=address)
    if not fits(found):
        wanted = ".".join(map(str, RAY_VERSIONS[0]))
        remedy = f"use a cluster with Ray {wanted}, or the hindcast that fits it"
        yield Check("cluster.ray", "failed", f"Ray {found}", remedy, address)
        return
    yield Check("cluster.ray", "ok", f"Ray {found}", subject=address)
    yield from _hindcast_there(head, package, tag, pause)


def _hindcast_there(head: Head, package: Package | None, tag: str, pause: Pause) -> Iterator[Check]:
    try:
        submission_id = _start(head, package, tag)
        ended = _ended(head, submission_id, pause)
        printed = head.logs(submission_id)
    except ClusterError as error:
        seen, _, remedy = error.message.partition("; ")
        yield Check("cluster.hindcast", "failed", seen, remedy, head.address)
        return
    if ended is None:
        remedy = f"look at the head, and at what it printed: `ray job logs {submission_id}`"
        yield Check("cluster.hindcast", "failed", f"has not answered within {WAIT_S} s", remedy, head.address)
        return
    checks = _printed_checks(printed)
    if checks is None:
        last = " ".join(printed.splitlines()[-_LAST_LINES:]) or ended.message
        seen, _, remedy = last.partition("; ")
        yield Check("cluster.hindcast", "failed", seen, remedy, head.address)
        return
    yield Check("cluster.hindcast", "ok", "hindcast starts there, and is the right one", subject=head.address)
    yield from checks


def _start(head: Head, package: Package | None, tag: str) -> str:
    sent = package or pack_start()
    if not head.has_package(sent.name):
        head.upload(sent.name, sent.data)
    submission_id = f"hindcast-doctor-{tag}"
    words = [
        "exec",
        "python",
        START,
        version("hindcast"),
        "doctor",
        "--json",
        *([sent.hunt_file] if package else []),
    ]
    request = {
        "submission_id": submission_id,
        "entrypoint": shlex.join(words),
        "runtime_env": {"working_dir": f"gcs://{sent.name}"},
        "metadata": {"hindcast_doctor": tag},
    }
    head.start(request)
    return submission_id


def _ended(head: Head, submission_id: str, pause: Pause) -> Submission | None:
    """How it ended; None where it was stopped because it took too long."""
    for _ in range(WAIT_S):
        submission = head.submission(submission_id)
        if submission is None:
            raise head.forgotten(submission_id)
        if submission.ended:
            return submission
        pause(1.0)
    head.stop(submission_id)
    return None


def _printed_checks(printed: str) -> list[Check] | None:
    """The checks in what a driver printed, among what others printed before; None where there are none."""
    start = printed.find("\n{\n")
    try:
        document, _ = json.JSONDecoder().raw_decode(printed, start + 1)
        checks = read_checks(document["checks"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return [replace(check, machine="cluster") for check in checks if check.name != "cluster.reach"]
