"""What `hindcast hunt` sends, to a real server."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.cli.main import main
from jobs.watching import log
from tests.support.cli import command, environment
from tests.support.receiver import Receiver, receiving, verify


def hunt_files(folder: Path, url: str) -> None:
    (folder / "archive").mkdir()
    pq.write_table(pa.table({"text": ["send to bc1q", "nothing"]}), folder / "archive/a.parquet")
    (folder / "s.yaml").write_text("signatures:\n  - {id: wallet, literal: bc1q}\n")
    (folder / "hunt.yaml").write_text(
        "hunt: nightly\narchive: {uri: archive}\nsignatures: s.yaml\noutput: out\n"
        f"alerts: {{webhook: {{url: '{url}', secret_env: HOOK}}, file: told.jsonl}}\n"
    )


@pytest.fixture
def keyed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The key is there, and no log is left on."""
    monkeypatch.setenv("HOOK", "secret")
    yield
    log.turn_off()


@pytest.mark.usefixtures("keyed")
def test_the_verb_posts_signed_alerts_and_a_receiver_that_refuses_changes_nothing(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(receiver: Receiver) -> list[tuple[str, bool]]:
        return [
            (json.loads(body)["kind"], verify(headers, body, "secret")) for headers, body in receiver.requests
        ]

    with receiving([503]) as receiver:
        hunt_files(here, receiver.url)
        assert main(["hunt", "hunt.yaml", "--quiet"]) == 0
        assert told(receiver) == [("first_hits", True)] * 2, "the first answer was no"
        assert main(["hunt", "hunt.yaml", "--quiet"]) == 0
        (here / "archive/b.parquet").write_bytes(b"no parquet")
        receiver.requests.clear()
        receiver.answers.append(400)
        capsys.readouterr()
        assert main(["hunt", "hunt.yaml", "--quiet"]) == 3
        assert told(receiver) == [("gaps", True)]
        assert "answers with status 400; the run is as it was, but nobody was told" in capsys.readouterr().err
        receiver.answers.append(400)
        (here / "archive/c.parquet").write_bytes(b"no parquet either")
        assert main(["hunt", "hunt.yaml", "--log", "json"]) == 3
        lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
        assert [line["level"] for line in lines if line["event"] == "alert_unsent"] == ["warning"]
        (here / "s.yaml").unlink()
        receiver.requests.clear()
        assert main(["hunt", "hunt.yaml", "--quiet"]) == 2
        assert told(receiver) == [("failed", True)]
    kinds = [json.loads(line)["kind"] for line in (here / "told.jsonl").read_text().splitlines()]
    assert kinds == ["first_hits", "gaps", "gaps", "failed"]


@pytest.mark.usefixtures("keyed")
def test_a_night_that_owes_nothing_tells_what_the_night_before_could_not(here: Path) -> None:
    with receiving([400]) as receiver:
        hunt_files(here, receiver.url)
        assert main(["hunt", "hunt.yaml", "--only-new", "--quiet"]) == 0
        assert main(["hunt", "hunt.yaml", "--only-new", "--quiet"]) == 0
        assert main(["hunt", "hunt.yaml", "--only-new", "--quiet"]) == 0
    refused, taken = (json.loads(body) for body in receiver.bodies)
    assert (refused["kind"], taken) == ("first_hits", refused)
    assert len((here / "told.jsonl").read_text().splitlines()) == 1
    assert len(list((here / "out/hunt=nightly").glob("run=*"))) == 1


@pytest.mark.usefixtures("keyed")
def test_a_finished_run_has_not_failed_where_nobody_reads_what_it_prints(here: Path) -> None:
    hunt_files(here, "http://127.0.0.1:9")
    text = (here / "hunt.yaml").read_text()
    (here / "hunt.yaml").write_text(re.sub(r"webhook: \{.*?\}, ", "", text))
    read_end, write_end = os.pipe()
    os.close(read_end)
    with os.fdopen(write_end, "wb") as nobody:
        words = command("hunt", "hunt.yaml", "--quiet")
        subprocess.run(words, cwd=here, env=environment(here / "home"), stdout=nobody, check=False)
    kinds = [json.loads(line)["kind"] for line in (here / "told.jsonl").read_text().splitlines()]
    assert kinds == ["first_hits"]
