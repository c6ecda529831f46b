import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jobs.cli.main import main
from jobs.hunt_file.spec import load_hunt
from jobs.schedule.standing import note_nothing_new
from tests.support.results import HUNT, sample_run

HUNT_FILE = """\
hunt: {name}
archive: {{uri: a}}
signatures: s.yaml
output: out
schedule: {{cron: "0 0 29 2 *", timezone: Asia/Tokyo}}
"""


def write(folder: Path, name: str, text: str = HUNT_FILE) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(text.format(name=name))
    return path


def test_hunts_are_listed_with_what_is_next_and_how_the_last_run_ended(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in (HUNT, "never", "damaged"):
        write(here, name)
    sample_run(here / "out", failed=True)
    damaged = here / "out/hunt=damaged/run=20261122T030000Z-a1b2c3"
    damaged.mkdir(parents=True)
    (damaged / "run.json").write_text("{")
    write(here, "broken", HUNT_FILE.replace("Asia/Tokyo", "Mars/Olympus"))
    assert main(["schedule", "list", "."]) == 0
    printed = capsys.readouterr()
    rows = {line.split()[0]: " ".join(line.split()) for line in printed.out.splitlines() if "29 2" in line}
    assert rows["never"].endswith("never ran OVERDUE")
    assert "Sun 2026-11-22 12:00 complete with gaps" in rows[HUNT]
    assert rows["damaged"].endswith(" 00:00 not known")
    assert "damaged: " in printed.err
    assert "0 0 29 2 * Asia/Tokyo" in rows["never"]
    assert "broken.yaml:5: schedule.timezone: is no name of a time zone" in printed.err

    assert main(["schedule", "list", ".", "--json"]) == 0
    told = {each["hunt"]: each for each in json.loads(capsys.readouterr().out)}
    assert [told[name]["overdue"] for name in ("never", "damaged")] == [True, None]
    assert "this is no record of a run" in told["damaged"]["unknown"]
    assert told[HUNT]["last_run"]["ended_at"] == "2026-11-22T03:00:41+00:00"
    assert told["never"]["last_run"] is None
    assert len(told["never"]["next"]) == 3


def test_a_hunt_that_owed_nothing_is_not_overdue(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    note_nothing_new(load_hunt(write(here, "quiet")), datetime.now(UTC))
    assert main(["schedule", "list", "quiet.yaml", "--json"]) == 0
    ((told,),) = [json.loads(capsys.readouterr().out)]
    assert (told["last_run"]["status"], told["overdue"]) == ("nothing new", False)


@pytest.mark.parametrize("verb", [["list"], ["run"], ["render", "--for", "cron"]])
@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("none.yaml", "none.yaml: there is no such file or folder"),
        ("empty", "empty: there is no hunt in this folder"),
        ("plain.yaml", "plain.yaml: has no schedule; write `schedule:"),
    ],
)
def test_what_has_no_schedule_is_refused(
    here: Path, capsys: pytest.CaptureFixture[str], verb: list[str], name: str, problem: str
) -> None:
    (here / "empty").mkdir()
    write(here, "plain", HUNT_FILE.partition("schedule")[0])
    assert main(["schedule", *verb, name]) == 2
    assert problem in capsys.readouterr().err


def test_what_is_rendered_is_all_that_is_printed(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(here, "one")
    assert main(["schedule", "render", "one.yaml", "--for", "cron", "--program", "/bin/hindcast"]) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines()[-2:] == [
        "CRON_TZ=Asia/Tokyo",
        f"0 0 29 2 * /bin/hindcast hunt {here}/one.yaml --only-new --quiet",
    ]
    assert printed.err == ""
