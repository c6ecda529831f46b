import json
import shlex
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest

from jobs.cluster.contexts import Cluster
from jobs.cluster.head import Head
from jobs.cluster.http import Http
from jobs.cluster.package import pack
from jobs.doctor.check import Check
from jobs.doctor.head import WAIT_S, check_cluster
from tests.support.head import TOKEN, HeadState, head

TAG = "20260501T120000Z-abcdef"
ID = f"hindcast-doctor-{TAG}"
THERE = Check("credentials", "failed", "no credentials were found", "grant some", "s3://")


@pytest.fixture
def state() -> HeadState:
    return HeadState()


@pytest.fixture
def known(state: HeadState) -> Iterator[Head]:
    with head(state) as address:
        yield at(address)


def at(address: str, token: str = TOKEN) -> Head:
    return Head(Http(Cluster(address, headers={"Authorization": f"Bearer {token}"}), lambda _: None))


def answers(state: HeadState, printed: str, status: str = "FAILED") -> None:
    """The driver prints this and ends as soon as somebody waits for it."""
    state.prints = printed
    state.starts_as = {"status": status, "driver_exit_code": 2}


def outcomes(checks: list[Check]) -> list[tuple[str, str]]:
    return [(check.name, check.outcome) for check in checks]


def test_hindcast_looks_around_there(known: Head, state: HeadState, tmp_path: Path) -> None:
    hunt = tmp_path / "hunt.yaml"
    hunt.write_text("hunt: small\n")
    document = json.dumps({"versions": {}, "checks": [THERE.as_dict()]}, indent=2)
    answers(state, f"Runtime env is setting up.\n{document}\na warning\n")
    checks = list(check_cluster(known, pack(str(hunt), []), TAG, lambda _: None))
    reached, ray, hindcast, there = checks
    assert {reached.outcome, ray.outcome, hindcast.outcome} == {"ok"}
    assert ray.seen == "Ray 2.60.0"
    assert (there.machine, there.seen, there.remedy) == ("cluster", THERE.seen, THERE.remedy)
    words = shlex.split(state.logs[ID].splitlines()[0].split(": ", 1)[1])
    assert words[:3] == ["exec", "python", "start.py"]
    assert words[4:] == ["doctor", "--json", "files/hunt.yaml"]
    # It is no hunt, and `hindcast list` does not show it.
    assert known.submissions() == []


def test_without_a_hunt_nothing_of_the_user_is_sent(known: Head, state: HeadState) -> None:
    answers(state, json.dumps({"checks": []}, indent=2), "SUCCEEDED")
    checks = list(check_cluster(known, None, TAG, lambda _: None))
    assert outcomes(checks) == [(f"cluster.{each}", "ok") for each in ("reach", "ray", "hindcast")]
    (data,) = state.packages.values()
    with zipfile.ZipFile(BytesIO(data)) as archive:
        assert archive.namelist() == ["start.py"]


@pytest.mark.parametrize(
    ("printed", "seen", "remedy"),
    [
        (
            "hindcast: the cluster's Python has no hindcast; use an image with it\n",
            "hindcast: the cluster's Python has no hindcast",
            "use an image with it",
        ),
        ('{\n"checks": 7}\n', '"checks": 7}', ""),
        ('x\n{\n"checks": [{"name": "a", "outcome": "fine", "seen": ""}]}', '"outcome": "fine"', ""),
    ],
)
def test_a_hindcast_that_does_not_start_there_is_told(
    known: Head, state: HeadState, printed: str, seen: str, remedy: str
) -> None:
    answers(state, printed)
    *_, last = check_cluster(known, None, TAG, lambda _: None)
    assert (last.name, last.outcome, last.remedy) == ("cluster.hindcast", "failed", remedy)
    assert seen in last.seen


def test_a_cluster_that_does_not_answer_is_given_up(known: Head, state: HeadState) -> None:
    pauses: list[float] = []
    *_, last = check_cluster(known, None, TAG, pauses.append)
    assert (last.name, last.outcome, sum(pauses)) == ("cluster.hindcast", "failed", WAIT_S)
    assert "has not answered" in last.seen
    assert state.submissions[ID]["status"] == "STOPPED"


def test_another_ray_is_told_and_nothing_is_started(known: Head, state: HeadState) -> None:
    state.ray_version = "2.9.3"
    checks = list(check_cluster(known, None, TAG, lambda _: None))
    assert outcomes(checks) == [("cluster.reach", "ok"), ("cluster.ray", "failed")]
    assert "Ray 2.60" in checks[-1].remedy
    assert not state.submissions


def test_a_wrong_token_and_a_head_that_is_away_are_told(known: Head) -> None:
    (refused,) = check_cluster(at(known.address, "wrong"), None, TAG, lambda _: None)
    assert (refused.name, refused.outcome) == ("cluster.reach", "failed")
    assert "does not let us in" in refused.seen
    (away,) = check_cluster(at("http://127.0.0.1:1"), None, TAG, lambda _: None)
    assert (away.outcome, away.subject) == ("failed", "http://127.0.0.1:1")
    assert "nobody listens here" in away.seen
