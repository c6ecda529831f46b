"""`--only-new` as its users meet it."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.support.cli import hindcast

HUNT = "hunt: small\narchive: {uri: archive, text_columns: [text]}\nsignatures: s.yaml\noutput: out\n"


def signatures(folder: Path, *words: str) -> None:
    listed = ", ".join(f"{{id: t.{word}, literal: {word}}}" for word in words)
    (folder / "s.yaml").write_text(f"signatures: [{listed}]\n")


def archive(folder: Path, *names: str) -> None:
    (folder / "archive").mkdir(exist_ok=True)
    for name in names:
        pq.write_table(pa.table({"text": [f"{name} one", "two"]}), folder / "archive" / f"{name}.parquet")


@pytest.fixture
def covered(here: Path) -> Path:
    """A hunt of two files and a signature that has run."""
    archive(here, "a", "b")
    signatures(here, "one")
    (here / "hunt.yaml").write_text(HUNT)
    done = hindcast(here, "hunt", "hunt.yaml", "--only-new", "-q")
    assert done.returncode == 0, done.stderr
    return here


def test_where_nothing_is_owed_there_is_no_run(covered: Path) -> None:
    done = hindcast(covered, "hunt", "hunt.yaml", "--only-new")
    assert done.returncode == 0, done.stderr
    assert (
        done.stdout
        == "nothing new: 1 signature has run over all there is to read (2 files); no run was made\n"
    )
    told = json.loads(hindcast(covered, "hunt", "hunt.yaml", "--only-new", "--json").stdout)
    assert (told["status"], told["run_id"], told["only_new"]["files_not_read"]) == ("nothing new", None, 2)
    assert len(list(covered.glob("out/hunt=small/run=*"))) == 1
    done = hindcast(covered, "hunt", "hunt.yaml", "-q")
    assert done.returncode == 0, done.stderr
    assert len(list(covered.glob("out/hunt=small/run=*"))) == 2, "without it everything is hunted again"


def test_the_plan_shows_what_is_owed_and_the_hunt_reads_that(covered: Path) -> None:
    archive(covered, "c")
    signatures(covered, "one", "two", "c")
    planned = hindcast(covered, "plan", "hunt.yaml", "--only-new")
    assert planned.returncode == 0, planned.stderr
    lines = [line.split() for line in planned.stdout.splitlines()]
    assert ["all", "3", "signatures", "1", "1", "1", "2"] in [line[:7] for line in lines]
    assert ["2", "of", "3:", "t.two,", "t.c", "2", "2", "2", "4"] in [line[:9] for line in lines]
    done = hindcast(covered, "hunt", "hunt.yaml", "--only-new", "--json")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert (record["totals"]["rows"], record["totals"]["hits"]) == (6, 1 + 3 + 1)
    signatures(covered, "one", "two", "c", "b")
    archive(covered, "b")
    owed = json.loads(hindcast(covered, "plan", "hunt.yaml", "--only-new", "--json").stdout)["only_new"][
        "owed"
    ]
    assert [(each["signatures"], each["files"]) for each in owed] == [
        (["t.one", "t.two", "t.c", "t.b"], 1),
        (["t.b"], 2),
    ]
