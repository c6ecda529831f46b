"""In processes of their own, because signals are everyone's."""

import signal
import subprocess
import sys

import pytest

from jobs.running import stopping as stopping_module
from jobs.running.stopping import Stopping, stopped_by_signals, terminated_like_interrupted
from tests.support.cli import ROOT

PROGRAM = """
import sys, threading
from jobs.running import stopping
stopping.PATIENCE_S = float(sys.argv[2])
asked = stopping.Stopping()
with stopping.stopped_by_signals(asked, 77, lambda: print("left", flush=True)):
    print("ready", flush=True)
    if sys.argv[1] == "obeys":
        while True:
            try:
                asked.check()
            except KeyboardInterrupt:
                print("stopped", flush=True)
                break
            threading.Event().wait(0.01)
    else:
        threading.Event().wait(60)
"""


def program(kind: str, patience_s: float) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", PROGRAM, kind, str(patience_s)]
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_asks_and_raises_nothing(number: signal.Signals) -> None:
    process = program("obeys", 60)
    process.send_signal(number)
    out, errors = process.communicate(timeout=30)
    assert (process.returncode, out, errors) == (0, "stopped\n", "")


def test_a_process_that_does_not_stop_in_time_leaves() -> None:
    process = program("stuck", 0.2)
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=30)
    assert (process.returncode, out, errors) == (77, "left\n", "")


def test_the_second_signal_does_not_wait() -> None:
    process = program("stuck", 60)
    process.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    process.send_signal(signal.SIGTERM)
    out, errors = process.communicate(timeout=30)
    assert (process.returncode, out, errors) == (77, "left\n", "")


def test_where_nothing_has_begun_a_termination_is_an_interruption() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), terminated_like_interrupted():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == before


def test_everything_is_as_before_afterwards() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    asked = Stopping()
    with stopped_by_signals(asked, 77, lambda: None):
        pass
    asked.check()
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    assert stopping_module.PATIENCE_S < 5
