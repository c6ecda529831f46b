"""What a child process does: compile what it is sent, under limits, until nobody is there any more.

It is started by `scanner.engine.children` and imports little, because it is started often.
"""

import contextlib
import resource
import signal
from multiprocessing.connection import Connection

from scanner.engine.hyperscan import Batch, CompileRefused, compile_batch

MEMORY_WORDS = "Unable to allocate memory."
"""Hyperscan's own, where the limit stopped it."""


def serve(channel: int) -> None:
    """Answers requests until the other end is closed.

    A request is a `Batch`, seconds of CPU, bytes of memory, and whether the database is wanted; the answer is the
    database or ``b""``, or a `str` of Hyperscan's words. A batch that takes longer ends the process by
    ``SIGPROF``.

    Args:
        channel: File descriptor of the pipe.
    """
    # What a terminal sends to all of its processes would end the child with a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    with Connection(channel) as parent, contextlib.suppress(EOFError, ConnectionError):
        parent.send("ready")
        while True:
            batch, cpu_s, memory_bytes, wanted = parent.recv()
            parent.send(_answer(batch, cpu_s, memory_bytes, wanted=wanted))


def _answer(batch: Batch, cpu_s: float, memory_bytes: int, *, wanted: bool) -> bytes | str:
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    if hard != resource.RLIM_INFINITY:
        memory_bytes = min(memory_bytes, hard)
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, hard))
    signal.setitimer(signal.ITIMER_PROF, cpu_s)
    try:
        database = compile_batch(batch)
    except CompileRefused as refusal:
        return str(refusal)
    except MemoryError:
        return MEMORY_WORDS
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
    return database if wanted else b""
