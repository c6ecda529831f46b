import io
import os
import re
import shlex
import socket
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from jobs.cluster.contexts import Cluster
from jobs.cluster.head import Head, Submission
from jobs.cluster.http import ClusterError, Http
from jobs.cluster.submit import RAY_VERSIONS, Checked, Submitted, check, submit
from scanner.archive import storage
from scanner.errors import InputError
from scanner.results import layout
from scanner.results.begun import Begun, begin
from tests.support.cli import ROOT
from tests.support.head import TOKEN, HeadState, head

HUNT = """\
hunt: small
archive:
  uri: {archive}
signatures: [pack.yaml]
output: {output}
"""
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
LATER = datetime(2026, 5, 2, 12, tzinfo=UTC)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "pack.yaml").write_text(
        "signatures:\n  - {id: t.a, literal: a}\n  - {id: t.b, literal: b, expires: 2026-05-01}\n"
    )
    path = tmp_path / "hunt.yaml"
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / "a.parquet").write_bytes(b"PAR1")
    path.write_text(HUNT.format(archive=tmp_path / "archive", output="/mnt/results"))
    return path


@pytest.fixture
def checked(file: Path) -> Checked:
    return check(str(file), NOW.date())


@pytest.fixture
def state() -> HeadState:
    return HeadState()


@pytest.fixture
def known(state: HeadState) -> Iterator[Head]:
    with head(state) as address:
        yield Head(Http(Cluster(address, headers={"Authorization": f"Bearer {TOKEN}"}), lambda _: None))


def ended(state: HeadState, run: Submitted, status: str, code: int | None) -> None:
    state.submissions[run.submission.submission_id].update(status=status, driver_exit_code=code, end_time=9)


def test_what_is_checked_here(checked: Checked) -> None:
    assert (checked.spec.hunt, checked.signatures, checked.warnings) == ("small", 1, ())
    assert checked.package.files == 2


def test_a_run_is_started_with_its_files(known: Head, state: HeadState, checked: Checked) -> None:
    run = submit(known, checked, NOW)
    digest = checked.package.digest
    assert run.new
    assert run.submission.run_id == f"20260501T120000Z-{digest[:6]}"
    assert run.submission.submission_id == f"hindcast-small-{digest[:12]}-1"
    assert run.submission.run_uri == f"/mnt/results/hunt=small/run={run.submission.run_id}"
    assert run.submission.state == "waiting"
    ((name, data),) = state.packages.items()
    assert re.fullmatch(r"_ray_pkg_hindcast_[0-9a-f]{32}\.zip", name)
    log = state.logs[run.submission.submission_id]
    command = shlex.split(log.splitlines()[0].split(": ", 1)[1])
    assert command[:3] == ["exec", "python", "start.py"]
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert {command[2], command[5]} <= set(archive.namelist())
    assert command[4::2] == ["hunt", "--address", "--run-id"]
    assert command[-1] == run.submission.run_id


def test_a_second_submit_follows_the_first_run(known: Head, state: HeadState, checked: Checked) -> None:
    first = submit(known, checked, NOW)
    again = submit(known, checked, LATER, again=True)
    assert (again.new, again.submission) == (False, first.submission)
    ended(state, first, "SUCCEEDED", 0)
    third = submit(known, checked, LATER)
    assert (third.new, third.submission.run_id, third.submission.exit_code) == (
        False,
        first.submission.run_id,
        0,
    )
    assert len(state.submissions) == 1


def test_another_run_where_one_is_wanted_or_the_last_one_did_not_end_well(
    known: Head, state: HeadState, checked: Checked
) -> None:
    run = submit(known, checked, NOW)
    ended(state, run, "FAILED", 3)
    assert not submit(known, checked, LATER).new
    run = submit(known, checked, LATER, again=True)
    assert (run.new, run.submission.submission_id[-2:]) == (True, "-2")
    for number, (status, code) in enumerate(
        [("FAILED", 2), ("FAILED", -9), ("STOPPED", None), ("FAILED", 1)], 3
    ):
        ended(state, run, status, code)
        run = submit(known, checked, LATER)
        assert (run.new, run.submission.submission_id[-2:]) == (True, f"-{number}")
    assert len(state.packages) == 1


def test_two_at_once_start_one_run(known: Head, state: HeadState, checked: Checked) -> None:
    first = submit(known, checked, NOW)
    theirs = state.submissions.copy()

    class Late(Head):
        """Looks before the other one has submitted, and submits after it."""

        def submissions(self) -> list[Submission]:
            state.submissions.clear()
            found = super().submissions()
            state.submissions.update(theirs)
            return found

    second = submit(Late(known._http), checked, LATER)
    assert (second.new, second.submission) == (False, first.submission)


def test_a_lost_answer_starts_no_second_run(known: Head, state: HeadState, checked: Checked) -> None:
    # Version, list, package, upload, submission.
    state.trouble = ["fine", "fine", "fine", "lose", "fine", "lose"]
    run = submit(known, checked, NOW)
    assert run.new
    assert len(state.submissions) == 1


def test_other_files_are_another_run(known: Head, state: HeadState, checked: Checked, file: Path) -> None:
    submit(known, checked, NOW)
    pack = file.with_name("pack.yaml")
    pack.write_text(pack.read_text().replace("literal: a", "literal: c"))
    assert submit(known, check(str(file), NOW.date()), NOW).new
    assert len(state.submissions) == 2


def run_of(submission: Submitted) -> str:
    return submission.submission.run_id


@pytest.mark.parametrize(
    ("status", "code"), [("FAILED", 1), ("FAILED", -9), ("STOPPED", None), ("FAILED", 130)]
)
def test_a_run_that_did_not_end_well_is_gone_on_with(
    known: Head, state: HeadState, checked: Checked, file: Path, status: str, code: int | None
) -> None:
    first = submit(known, checked, NOW)
    ended(state, first, status, code)
    # A word that nothing depends on makes other files, and the same work.
    file.write_text(file.read_text() + "# tonight\n")
    second = submit(known, check(str(file), NOW.date()), LATER)
    assert (second.new, second.resumed, run_of(second)) == (True, True, run_of(first))
    assert second.submission.submission_id != first.submission.submission_id
    command = state.logs[second.submission.submission_id].splitlines()[0]
    assert command.endswith(f"--run-id {run_of(first)}")
    assert known.find(run_of(first)).submission_id == second.submission.submission_id

    ended(state, second, "FAILED", 2)
    third = submit(known, check(str(file), NOW.date()), LATER)
    assert (third.resumed, run_of(third)) == (True, run_of(first))
    ended(state, third, status, code)
    fourth = submit(known, check(str(file), NOW.date()), LATER, again=True)
    assert (fourth.new, fourth.resumed) == (True, False)
    assert run_of(fourth) != run_of(first)


@pytest.mark.parametrize(
    "change",
    [
        ("pack.yaml", "literal: a}", "literal: z}"),
        ("pack.yaml", "literal: a}", "literal: a, severity: high}"),
        ("hunt.yaml", "signatures:", "evidence: clear\nsignatures:"),
        ("hunt.yaml", "hunt: small", "hunt: other"),
    ],
)
def test_another_work_is_another_run(
    known: Head, state: HeadState, checked: Checked, file: Path, change: tuple[str, str, str]
) -> None:
    of, old, new = change
    first = submit(known, checked, NOW)
    ended(state, first, "FAILED", 1)
    changed = file.with_name(of)
    assert old in changed.read_text()
    changed.write_text(changed.read_text().replace(old, new))
    second = submit(known, check(str(file), NOW.date()), LATER)
    assert (second.new, second.resumed) == (True, False)
    assert run_of(second) != run_of(first)


def test_what_goes_on_is_followed_whatever_was_written_beside_it(
    known: Head, state: HeadState, checked: Checked, file: Path
) -> None:
    first = submit(known, checked, NOW)
    file.write_text(file.read_text() + "# tonight\n")
    second = submit(known, check(str(file), NOW.date()), LATER, again=True)
    assert (second.new, second.submission) == (False, first.submission)
    assert len(state.submissions) == 1


def test_a_head_that_has_forgotten_a_run_is_told_which_to_go_on_with(
    known: Head, state: HeadState, file: Path, tmp_path: Path
) -> None:
    file.write_text(file.read_text().replace("/mnt/results", str(tmp_path / "results")))
    checked = check(str(file), NOW.date())
    output, work = str(tmp_path / "results"), checked.work

    def begin_run(run_id: str, signatures: str = work.signatures_digest, *, only_new: bool = False) -> str:
        against = () if only_new else None
        found = Begun("small", run_id, work.hunt_digest, signatures, "key", NOW, {}, against=against)
        uri = layout.run_uri(output, "small", run_id)
        begin(uri, found)
        return uri

    begin_run("20260401T000000Z-000000", "others")
    begin_run("20260402T000000Z-000000", only_new=True)
    assert not submit(known, checked, NOW).resumed
    state.submissions.clear()
    begun = begin_run("20260301T000000Z-000000")
    run = submit(known, checked, NOW)
    assert (run.resumed, run_of(run)) == (True, "20260301T000000Z-000000")
    state.submissions.clear()
    new = submit(known, check(str(file), NOW.date(), only_new=True), NOW)
    assert (new.resumed, run_of(new)) == (True, "20260402T000000Z-000000")
    state.submissions.clear()
    assert not submit(known, checked, NOW, again=True).resumed
    state.submissions.clear()
    storage.create(layout.record_uri(begun), b"{}")
    assert not submit(known, checked, NOW).resumed


def test_what_is_new_is_hunted_again_and_again(
    known: Head, state: HeadState, checked: Checked, file: Path
) -> None:
    whole = submit(known, checked, NOW)
    ended(state, whole, "FAILED", 1)
    new = check(str(file), NOW.date(), only_new=True)
    assert new.package == checked.package
    first = submit(known, new, NOW)
    assert (first.new, first.resumed) == (True, False)
    assert state.logs[first.submission.submission_id].splitlines()[0].endswith(f"{run_of(first)} --only-new")
    assert submit(known, new, LATER).submission == first.submission
    ended(state, first, "STOPPED", None)
    second = submit(known, new, LATER)
    assert (second.resumed, run_of(second)) == (True, run_of(first))
    ended(state, second, "SUCCEEDED", 0)
    third = submit(known, new, LATER)
    assert (third.new, third.resumed) == (True, False)
    assert run_of(third) != run_of(first)
    ended(state, third, "STOPPED", None)
    ended(state, submit(known, checked, LATER, again=True), "SUCCEEDED", 0)
    fourth = submit(known, new, LATER)
    assert (fourth.new, fourth.resumed) == (True, False)


def test_a_finished_run_is_not_gone_on_with(
    known: Head, state: HeadState, checked: Checked, file: Path
) -> None:
    first = submit(known, checked, NOW)
    ended(state, first, "FAILED", 3)
    file.write_text(file.read_text() + "# tonight\n")
    second = submit(known, check(str(file), NOW.date()), LATER)
    assert (second.new, second.resumed) == (True, False)
    assert run_of(second) != run_of(first)


@pytest.mark.parametrize("version", ["2.9.3", "2.59.0", "2.61.0", "3.0.0.dev0", "new"])
def test_another_ray_is_refused_before_anything_is_sent(
    known: Head, state: HeadState, checked: Checked, version: str
) -> None:
    state.ray_version = version
    with pytest.raises(ClusterError, match=f"runs Ray {version}, and this hindcast needs 2.60"):
        submit(known, checked, NOW)
    assert not state.packages
    assert not state.submissions


def test_the_versions_of_ray_are_those_of_the_extra() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    (ray,) = (text for text in extras["cluster"] if text.startswith("ray"))
    first, too_new = (f"{major}.{minor}" for major, minor in RAY_VERSIONS)
    assert ray.endswith(f">={first},<{too_new}")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("/mnt/results", "results", "hunt.yaml:5: output: `results` is a path of this machine"),
        ("uri: /", "uri: ../", "hunt.yaml:3: archive.uri: `../"),
        (
            "output",
            "alerts: {file: told}\noutput",
            "hunt.yaml:5: alerts.file: `told` is a path of this machine",
        ),
        ("[pack.yaml]", "[/sigs/pack.yaml]", "there is no such file or folder"),
        ("[pack.yaml]", "[none.yaml]", "none.yaml: there is no such file or folder"),
        ("hunt: small", "hunt: Small", "hunt.yaml:1: hunt: a name begins with a-z"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_sent(file: Path, old: str, new: str, told: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    with pytest.raises(InputError) as caught:
        check(str(file), NOW.date())
    assert told in str(caught.value)


def test_absolute_signatures_cannot_be_sent(file: Path) -> None:
    file.write_text(file.read_text().replace("[pack.yaml]", f"[{file.with_name('pack.yaml')}]"))
    with pytest.raises(InputError, match="write it relative to the hunt file"):
        check(str(file), NOW.date())


def test_signatures_that_have_all_expired(file: Path) -> None:
    pack = file.with_name("pack.yaml")
    pack.write_text(pack.read_text().replace("literal: a", "literal: a, expires: 2026-01-01"))
    with pytest.raises(InputError, match="no signature runs"):
        check(str(file), date(2026, 5, 1))


def test_an_archive_that_is_not_seen_from_here_is_said_and_not_fatal(file: Path) -> None:
    file.write_text(file.read_text().replace("/archive", "/elsewhere"))
    (warning,) = check(str(file), NOW.date()).warnings
    assert warning.warning
    assert (warning.line, warning.subject) == (3, "archive.uri")
    assert "is not seen from here" in warning.message


def test_a_relative_hunt_file_packs_as_an_absolute_one(file: Path, checked: Checked, here: Path) -> None:
    assert here == file.parent
    assert check("hunt.yaml", NOW.date()).package == checked.package
    assert check(os.path.join(".", "hunt.yaml"), NOW.date()).package == checked.package  # noqa: PTH118


@pytest.mark.parametrize(
    ("status", "code", "state", "exit_code"),
    [
        ("PENDING", None, "waiting", None),
        ("RUNNING", None, "running", None),
        ("SUCCEEDED", 0, "complete", 0),
        ("FAILED", 3, "complete with gaps", 3),
        ("FAILED", 2, "refused", 2),
        ("FAILED", 130, "stopped", 130),
        ("STOPPED", None, "stopped", 130),
        ("FAILED", 1, "failed", 1),
        ("FAILED", -9, "failed", 1),
        ("FAILED", 127, "failed", 1),
        ("FAILED", None, "failed", 1),
    ],
)
def test_how_a_run_stands(status: str, code: int | None, state: str, exit_code: int | None) -> None:
    submission = replace(Submission("a", status), driver_exit_code=code)
    assert (submission.state, submission.exit_code) == (state, exit_code)


def test_a_manifest_beside_the_hunt_is_sent_along(file: Path) -> None:
    file.with_name("files.txt").write_text("s3://dumps/a.parquet\n")
    manifest = f"  manifest: files.txt\n  uri: {file.parent}/archive"
    file.write_text(file.read_text().replace(f"  uri: {file.parent}/archive", manifest))
    checked = check(str(file), NOW.date())
    with zipfile.ZipFile(io.BytesIO(checked.package.data)) as archive:
        assert archive.read("files/files.txt") == b"s3://dumps/a.parquet\n"


def test_a_store_that_is_far_away_is_looked_for_briefly(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    text = file.read_text().replace(f"uri: {file.parent}/archive", "uri: s3://dumps/comments/")
    file.write_text(f"{text}storage: {{s3: {{endpoint: 'http://127.0.0.1:{port}', region: us-east-1}}}}\n")
    (warning,) = check(str(file), NOW.date()).warnings
    assert "s3://dumps/comments" in warning.message
    assert "is not seen from here" in warning.message
