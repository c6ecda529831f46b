"""What a child process does: compile what it is sent, under limits, until nobody is there any more.

It is started by `scanner.engine.compiling.children` and imports little, because it is started often.
"""

import contextlib
import resource
import signal
from multiprocessing.connection import Connection

from scanner.engine.hyperscan import Batch, CompileRefused, compile_batch

MEMORY_WORDS = "Unable to allocate memory"
"""How Hyperscan begins to tell that the limit stopped it."""


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
    _limit_memory(memory_bytes)
    signal.setitimer(signal.ITIMER_PROF, cpu_s)
    try:
        database = compile_batch(batch)
    except CompileRefused as refusal:
        return str(refusal)
    except MemoryError:
        return MEMORY_WORDS
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        _limit_memory(None)
    return database if wanted else b""


def _limit_memory(memory_bytes: int | None) -> None:
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    wanted = hard if memory_bytes is None else memory_bytes
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    # Not every system knows this limit; there, time alone is limited.
    with contextlib.suppress(ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))
