from datetime import datetime, timedelta
from pathlib import Path

from jobs.hunt_file.spec import HuntSpec, load_hunt
from jobs.schedule.files import Watched, find_hunts, read_schedules
from jobs.schedule.standing import LastRun, last_run, note_nothing_new
from scanner.archive import storage
from scanner.results import layout
from scanner.results.begun import Begun, begin
from scanner.results.record import encode
from tests.support.results import HUNT, RUN_ID, STARTED, sample_run

NOW = STARTED + timedelta(hours=9)
HUNT_FILE = (
    f"hunt: {HUNT}\narchive: {{uri: a}}\nsignatures: s.yaml\noutput: out\nschedule: {{cron: '0 3 * * *'}}\n"
)


def spec(folder: Path) -> HuntSpec:
    (folder / "hunt.yaml").write_text(HUNT_FILE)
    return load_hunt(folder / "hunt.yaml")


def begun(output: Path, run_id: str, status: str = "running", told_at: datetime = NOW) -> None:
    uri = layout.run_uri(str(output), HUNT, run_id)
    begin(uri, Begun(HUNT, run_id, "", "", "", STARTED, {}))
    with storage.open_output(layout.progress_uri(uri)) as sink:
        sink.write(encode({"status": status, "told_at": told_at.isoformat()}))


def test_the_latest_run_counts_whoever_ran_it(tmp_path: Path) -> None:
    hunt = spec(tmp_path)
    assert last_run(hunt, NOW) is None
    sample_run(tmp_path / "out", failed=True)
    ended = STARTED + timedelta(seconds=41)
    assert last_run(hunt, NOW) == LastRun("complete with gaps", RUN_ID, STARTED, ended)


def test_a_time_at_which_nothing_was_owed_counts_until_the_next_run(tmp_path: Path) -> None:
    hunt = spec(tmp_path)
    note_nothing_new(hunt, STARTED - timedelta(days=1))
    at = STARTED - timedelta(days=1)
    assert last_run(hunt, NOW) == LastRun("nothing new", None, at, at)
    sample_run(tmp_path / "out")
    assert getattr(last_run(hunt, NOW), "status", None) == "complete"
    note_nothing_new(hunt, NOW)
    assert last_run(hunt, NOW) == LastRun("nothing new", None, NOW, NOW)


def test_a_run_goes_on_as_long_as_it_tells_so(tmp_path: Path) -> None:
    hunt = spec(tmp_path)
    for status, silent_s, seen in (
        ("running", 5, "running"),
        ("finishing", 5, "running"),
        ("running", 120, "unfinished"),
        ("stopped", 5, "unfinished"),
    ):
        begun(tmp_path / "out", RUN_ID, status, NOW - timedelta(seconds=silent_s))
        assert last_run(hunt, NOW) == LastRun(seen, RUN_ID, STARTED)
    Path(layout.progress_uri(layout.run_uri(hunt.output, HUNT, RUN_ID))).write_bytes(b'{"status": "run')
    assert last_run(hunt, NOW) == LastRun("unfinished", RUN_ID, STARTED)


def test_hunts_are_found_in_folders_and_other_files_are_left_alone(tmp_path: Path) -> None:
    for name in ("b.yml", "a.yaml"):
        (tmp_path / name).write_text(HUNT_FILE.replace(HUNT, name[0]))
    (tmp_path / "signatures.yaml").write_text("signatures: []\n")
    (tmp_path / "notes.txt").write_text("hunt: no\n")
    files = find_hunts([str(tmp_path), str(tmp_path / "a.yaml")])
    assert [Path(file).name for file in files] == ["a.yaml", "b.yml"]
    reading = read_schedules(files)
    assert ([each.spec.hunt for each in reading.scheduled], reading.problems) == (["a", "b"], ())


def test_what_cannot_be_scheduled_is_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    texts = {
        "a.yaml": HUNT_FILE,
        "again.yaml": HUNT_FILE,
        "never.yaml": HUNT_FILE.partition("schedule")[0].replace(HUNT, "never"),
        "wrong.yaml": HUNT_FILE.replace("0 3", "99 3"),
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    reading = read_schedules(find_hunts([str(tmp_path)]))
    assert [Path(each.file).name for each in reading.scheduled] == ["a.yaml"]
    assert [str(problem).removeprefix(f"{tmp_path}/")[:34] for problem in reading.problems] == [
        "again.yaml:1: hunt: is the same hu",
        "never.yaml: has no schedule; write",
        "wrong.yaml:5: schedule.cron: `99` ",
    ]
    assert reading.unreadable == {f"{tmp_path}/wrong.yaml"}


def test_changes_are_noticed_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(HUNT_FILE)
    watched = Watched([str(tmp_path)])
    assert watched.changed() == [f"{tmp_path}/a.yaml"]
    assert watched.changed() is None
    (tmp_path / "a.yaml").write_text(HUNT_FILE + "evidence: hashed\n")
    assert watched.changed() == [f"{tmp_path}/a.yaml"]
    (tmp_path / "b.yaml").write_text(HUNT_FILE)
    assert watched.changed() == [f"{tmp_path}/a.yaml", f"{tmp_path}/b.yaml"]
    (tmp_path / "a.yaml").unlink()
    (tmp_path / "b.yaml").unlink()
    assert watched.changed() == []
    assert watched.changed() is None
