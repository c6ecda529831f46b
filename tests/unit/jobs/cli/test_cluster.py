import io
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from jobs.cli.cluster import _screen, let_go
from jobs.cli.main import main
from jobs.cluster.contexts import Cluster
from jobs.cluster.follow import Line, Lost, Pace
from jobs.watching import Progress
from jobs.watching.progress_file import ProgressFile
from tests.support.cli import ROOT
from tests.support.head import TOKEN, HeadState, head

RUN = "20260501T120000Z-abcdef"
NOTES = {
    "hindcast_run": RUN,
    "hindcast_hunt": "small",
    "hindcast_digest": "abcdef",
    "hindcast_output": "/no/such/hunts",
}
HUNT = "hunt: small\narchive: {uri: /archive}\nsignatures: [pack.yaml]\noutput: /results\n"


@pytest.fixture
def state() -> HeadState:
    return HeadState()


@pytest.fixture
def address(state: HeadState, here: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("HOME", str(here))
    monkeypatch.setenv("RAY_AUTH_TOKEN", TOKEN)
    for name in (
        "HINDCAST_CONFIG",
        "RAY_AUTH_MODE",
        "RAY_JOB_HEADERS",
        "RAY_API_SERVER_ADDRESS",
        "HINDCAST_CA_BUNDLE",
    ):
        monkeypatch.delenv(name, raising=False)
    (here / "hunt.yaml").write_text(HUNT)
    (here / "pack.yaml").write_text("signatures: [{id: t.a, literal: a}]\n")
    with head(state) as address:
        yield address


def test_submit_shows_the_run_and_ends_as_it_ends(
    state: HeadState, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    state.ends = {"status": "FAILED", "driver_exit_code": 3}
    assert main(["submit", "hunt.yaml", "--address", address]) == 3
    told = capsys.readouterr()
    assert told.out.splitlines()[1:] == ["1 of 2 splits, 3 hits", "done"]
    warning, started, ended = told.err.splitlines()
    assert "hunt.yaml:2: warning: archive.uri: /archive is not seen from here" in warning
    run_id = next(iter(state.submissions.values()))["metadata"]["hindcast_run"]
    assert started.startswith(f"started run {run_id} of small on {address}, with 1 signature (2 files, ")
    assert ended == f"{run_id}: complete with gaps"

    assert main(["submit", "hunt.yaml", "--address", address]) == 3
    assert "has ended before; `--again` starts another one" in capsys.readouterr().err
    assert main(["submit", "hunt.yaml", "--address", address, "--again", "--detach", "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["new"] is True
    assert json.loads(told.out)["state"] == "waiting"
    assert main(["submit", "hunt.yaml", "--address", address, "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["exit_code"] == 3
    assert len(state.submissions) == 2


def test_list_and_status(state: HeadState, address: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--address", address]) == 0
    assert capsys.readouterr().out == "no hunts here\n"
    state.add("hindcast-small-abcdef-1", metadata=NOTES)
    state.add("somebody-elses")
    hostile = {**NOTES, "hindcast_run": "evil\x1b]0;title\x07", "hindcast_hunt": "\u202ehunt"}
    state.add(
        "hindcast-evil-abcdef-1",
        metadata=hostile,
        status="FAILED",
        message="a\nb\x1b[31m",
        end_time=1_763_780_001_500,
    )
    assert main(["list", "--address", address]) == 0
    out = capsys.readouterr().out
    assert RUN in out
    assert "somebody" not in out
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert main(["status", RUN, "--address", address]) == 0
    assert f"results    /no/such/hunts/hunt=small/run={RUN}" in capsys.readouterr().out
    assert main(["status", "hindcast-evil-abcdef-1", "--address", address]) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == ["  a", "  b"]
    assert main(["status", RUN, "--address", address, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["run_id"], told["state"], told["exit_code"], told["reason"]) == (RUN, "running", None, None)
    assert main(["list", "--address", address, "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 2
    state.submissions["hindcast-small-abcdef-1"]["start_time"] = "today"
    assert main(["list", "--address", address]) == 2
    assert "answers what the Jobs API of Ray 2.60 does not" in capsys.readouterr().err
    state.submissions["hindcast-small-abcdef-1"]["start_time"] = None
    assert main(["status", "none", "--address", address]) == 2
    assert "knows no run 'none'" in capsys.readouterr().err


def test_status_tells_progress_and_that_a_run_has_gone_silent(
    state: HeadState, address: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state.add("hindcast-small-abcdef-1", metadata={**NOTES, "hindcast_output": str(here)})
    run_uri = here / "hunt=small" / f"run={RUN}"
    run_uri.mkdir(parents=True)
    assert main(["status", RUN, "--address", address]) == 0
    assert "\n  progress" not in capsys.readouterr().out
    written = ProgressFile(str(run_uri), iter([0.0, 10.0, 10.0]).__next__)
    written(Progress(1, 4, 100, 400, hits=7))
    written.beat()
    assert main(["status", RUN, "--address", address]) == 0
    told = capsys.readouterr().out
    assert "progress   1 of 4 splits, 30.0 s left, 100 records at 10/s, 7 hits\n" in told
    assert "no sign of life" not in told
    long_ago = ProgressFile(str(run_uri), lambda: 0.0, lambda: datetime(2026, 5, 1, tzinfo=UTC))
    long_ago(Progress(1, 4, 100, 400))
    long_ago.beat()
    assert main(["status", RUN, "--address", address]) == 0
    assert f"; see: hindcast logs {RUN}\n" in capsys.readouterr().out
    assert main(["status", RUN, "--address", address, "--json"]) == 0
    known = json.loads(capsys.readouterr().out)["progress"]
    assert (known["splits"], known["told_at"]) == (1, "2026-05-01T00:00:00+00:00")
    (run_uri / "progress.json").write_text('{"splits": "\x1b[31m"}')
    assert main(["status", RUN, "--address", address]) == 0
    unseen = f"progress   not seen from here ({run_uri}/progress.json: this is no progress of a run)"
    assert unseen in capsys.readouterr().out


def test_logs_are_tamed(state: HeadState, address: str, capsys: pytest.CaptureFixture[str]) -> None:
    state.add("hindcast-small-abcdef-1", "plain\n\x1b[2Jcleared\tand \u202emore\n", metadata=NOTES)
    assert main(["logs", RUN, "--address", address]) == 0
    assert capsys.readouterr().out == "plain\ncleared and \\u202emore\n"
    assert main(["logs", RUN, "--address", address, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["lines"][0] == "plain"
    state.ends = {"status": "FAILED", "driver_exit_code": -9, "message": "killed\x1b[31m"}
    assert main(["logs", "-f", RUN, "--address", address]) == 1
    told = capsys.readouterr()
    assert told.out == "plain\ncleared and \\u202emore\n"
    assert told.err == f"killed\n{RUN}: failed\n"
    assert main(["logs", "-f", RUN, "--json", "--address", address]) == 2


def test_stop(state: HeadState, address: str, capsys: pytest.CaptureFixture[str]) -> None:
    state.add("hindcast-small-abcdef-1", metadata=NOTES)
    assert main(["stop", RUN, "--address", address]) == 0
    assert f"stopped; what is done lies in /no/such/hunts/hunt=small/run={RUN}" in capsys.readouterr().out
    assert main(["stop", RUN, "--address", address]) == 0
    assert "has ended before: stopped" in capsys.readouterr().out
    assert main(["stop", RUN, "--address", address, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["exit_code"] == 130


def test_a_wrong_token_is_one_line(
    address: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", "of-yesterday")
    assert main(["list", "--address", address]) == 2
    told = capsys.readouterr().err
    assert told == (
        f"{address}: refuses the token from RAY_AUTH_TOKEN; "
        "ask whoever runs the cluster for the token of today (status 403)\n"
    )


def test_a_connection_that_is_lost_for_good_says_how_to_come_back(
    state: HeadState, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    state.add("hindcast-small-abcdef-1", "plain\n", metadata=NOTES)
    state.trouble = ["fine", 403]
    assert main(["logs", "-f", RUN, "--address", address]) == 1
    refused, back = capsys.readouterr().err.splitlines()
    assert refused.startswith(f"{address}: refuses the token from RAY_AUTH_TOKEN")
    assert back == f"The hunt goes on without us. Come back: hindcast logs -f {RUN} --address {address}"
    # Version, list, package, upload, start, submission.
    state.trouble = ["fine"] * 6 + [403]
    assert main(["submit", "hunt.yaml", "--address", address]) == 1
    assert "Come back: hindcast logs -f" in capsys.readouterr().err
    state.trouble = [403]
    assert main(["submit", "hunt.yaml", "--address", address]) == 2
    assert "Come back" not in capsys.readouterr().err


def test_a_context_in_place_of_an_address(
    state: HeadState,
    address: str,
    here: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("RAY_AUTH_TOKEN")
    monkeypatch.setenv("OUR_TOKEN", TOKEN)
    monkeypatch.setenv("HINDCAST_CONFIG", str(here / "contexts.yaml"))
    (here / "contexts.yaml").write_text(
        f"current: test\ncontexts:\n  test:\n    address: {address}\n    token: {{env: OUR_TOKEN}}\n"
    )
    state.add("hindcast-small-abcdef-1", metadata=NOTES)
    assert main(["list"]) == 0
    assert RUN in capsys.readouterr().out


def test_ctrl_c_lets_go_of_the_run_and_says_how_to_return(state: HeadState, address: str) -> None:
    state.add("hindcast-small-abcdef-1", "first line\n", metadata=NOTES)
    following = threading.Event()
    state.before_close = following.wait
    process = subprocess.Popen(
        [sys.executable, "-m", "jobs.cli.main", "logs", "-f", RUN, "--address", address],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "first line\n"
    process.send_signal(signal.SIGINT)
    out, told = process.communicate(timeout=20)
    assert (process.returncode, out) == (130, "")
    assert f"Come back: hindcast logs -f {RUN} --address {address}" in told
    assert "hindcast stop" in told
    assert state.submissions["hindcast-small-abcdef-1"]["status"] == "RUNNING"
    assert not [path for method, path, _ in state.requests if method == "POST"]
    following.set()


def test_no_ray_is_needed_here(state: HeadState, address: str) -> None:
    code = (
        "import sys; sys.modules['ray'] = None\n"
        "from jobs.cli.main import main\n"
        f"sys.exit(main(['submit', 'hunt.yaml', '--address', '{address}']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(state.submissions) == 1


def test_a_terminal_gets_a_bar_and_everything_else_gets_lines(capsys: pytest.CaptureFixture[str]) -> None:
    told = "3 of 8 splits, 58.4 s left, 600,000 records at 17,127/s, 62,058 hits"
    events: list[Line | Pace | Lost] = [
        Line("hunting"),
        Pace(0, None, "listing: 3 files, 0.1 s"),
        Pace(3, 8, told),
        Lost("is away"),
    ]
    for is_terminal in (True, False):
        screen = io.StringIO()
        with _screen(
            Console(file=screen, force_terminal=is_terminal, width=60, markup=False, highlight=False)
        ) as show:
            for event in events:
                show(event)
        assert "connection lost (is away); trying again" in screen.getvalue()
        assert ("3 of 8 splits, 58.4 s left" in screen.getvalue()) is is_terminal
        assert ("600,000 records at 17,127/s, 62,058 hits" in screen.getvalue()) is is_terminal
    assert capsys.readouterr().out.splitlines() == ["hunting", "hunting", "listing: 3 files, 0.1 s", told]


def test_ctrl_c_while_a_run_is_started(capsys: pytest.CaptureFixture[str]) -> None:
    assert let_go(Cluster("http://h:1", "--context prod"), None) == 130
    told = capsys.readouterr().err
    assert "the hunt may have been started" in told
    assert "hindcast list --context prod" in told
