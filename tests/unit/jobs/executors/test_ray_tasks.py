import signal
import sys

import pytest

from jobs.executors.ray_tasks import _interrupts_later


def test_a_termination_while_ray_starts_is_an_interruption() -> None:
    # Ray's handler of that moment ends the program, and `hindcast hunt` took that for a closed pipe.
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        _terminated_while_ray_starts()
    assert signal.getsignal(signal.SIGTERM) == before


def _terminated_while_ray_starts() -> None:
    with _interrupts_later():
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(15))
        signal.raise_signal(signal.SIGTERM)
