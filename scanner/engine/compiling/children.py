"""Compiles in child processes under limits, because nobody can say beforehand what a pattern costs to compile.

A child lives on from batch to batch; one that exceeds a limit dies, and the next batch gets another. Children are
plain programs, not forks, so they work wherever this process is: in a notebook, a test, a worker of a cluster.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import Final, Self, TypeVar

from scanner.engine.compiling.compile_child import MEMORY_WORDS
from scanner.engine.hyperscan import Batch, CompileRefused
from scanner.errors import EngineError

In = TypeVar("In")
Out = TypeVar("Out")

MAX_CHILDREN: Final = 4

_WALL: Final = 10
"""A child that got no CPU is given this many times its limit of wall clock, and never less than a minute."""

_WALL_LEAST_S: Final = 60.0

_CODE: Final = (
    "import sys; sys.path[:] = sys.argv[2:];"
    "from scanner.engine.compiling.compile_child import serve; serve(int(sys.argv[1]))"
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one batch may take.

    Attributes:
        cpu_s: Seconds of CPU.
        memory_bytes: Address space of the child.
    """

    cpu_s: float
    memory_bytes: int


class Stop(StrEnum):
    """What ended a compilation before its time."""

    TIME = "time"
    MEMORY = "memory"
    DEATH = "death"
    """The child died of something else."""


class CompileStopped(Exception):  # noqa: N818 - an answer about a batch
    """A batch did not compile within its limits.

    Attributes:
        why: What ended it.
    """

    def __init__(self, why: Stop) -> None:
        super().__init__(why)
        self.why = why


class _Child:
    """One child; for one thread at a time."""

    def __init__(self) -> None:
        self._pipe, theirs = Pipe()
        root = str(Path(__file__).resolve().parents[2])
        with theirs:
            self._process = _start(theirs, [root, *sys.path])
        try:
            self._pipe.recv()
        except (EOFError, ConnectionError):
            self.end()
            reason = (
                f"the process that compiles signatures ended at once (exit code {self._process.returncode})"
            )
            raise EngineError(reason) from None

    def compile(self, batch: Batch, limits: Limits, *, wanted: bool) -> bytes:
        try:
            self._pipe.send((batch, limits.cpu_s, limits.memory_bytes, wanted))
            if not self._pipe.poll(max(limits.cpu_s * _WALL, _WALL_LEAST_S)):
                self.end()
                raise CompileStopped(Stop.TIME)
            answer: bytes | str = self._pipe.recv()
        except (EOFError, ConnectionError):
            self.end()
            raise CompileStopped(self._why()) from None
        if isinstance(answer, bytes):
            return answer
        if answer.startswith(MEMORY_WORDS):
            raise CompileStopped(Stop.MEMORY)
        raise CompileRefused(answer)

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    def end(self) -> None:
        """Ends it, whatever it is at; a child that has ended already keeps its exit code."""
        self._pipe.close()
        self._process.kill()
        self._process.wait()

    def _why(self) -> Stop:
        return Stop.TIME if self._process.returncode == -signal.SIGPROF else Stop.DEATH


def _start(theirs: Connection, path: list[str]) -> "subprocess.Popen[bytes]":
    descriptor = theirs.fileno()
    try:
        return subprocess.Popen(  # noqa: S603 - this interpreter, with code that stands above
            [sys.executable, "-c", _CODE, str(descriptor), *path],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(descriptor,),
        )
    except OSError as error:
        reason = f"the process that compiles signatures cannot be started: {error.strerror}"
        raise EngineError(reason) from None


class Children:
    """A few child processes, started when first needed; a context manager that ends them.

    Raises:
        EngineError: On use: no child can be started.
    """

    def __init__(self) -> None:
        count = min(MAX_CHILDREN, os.cpu_count() or 1)
        self._threads = ThreadPoolExecutor(count, "compile")
        self._closed = False
        self._started: list[_Child] = []
        self._free: SimpleQueue[_Child | None] = SimpleQueue()
        for _ in range(count):
            self._free.put(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._closed = True
        # First the children: a thread waits for each that is at work.
        self._end_all()
        self._threads.shutdown(cancel_futures=True)
        self._end_all()

    def _end_all(self) -> None:
        for child in self._started:
            child.end()

    def compile(self, batch: Batch, limits: Limits, *, wanted: bool = True) -> bytes:
        """Compiles a batch in a child that is free; from any thread.

        Args:
            batch: What to compile.
            limits: Of this batch.
            wanted: False to learn only that it compiles.

        Returns:
            The serialised database; ``b""`` where it is not wanted.

        Raises:
            CompileRefused: Hyperscan does not take it.
            CompileStopped: It exceeds a limit.
        """
        child = self._free.get()
        try:
            if child is None or not child.alive:
                child = None
                child = _Child()
                self._started.append(child)
            if self._closed:
                raise CompileStopped(Stop.DEATH)
            return child.compile(batch, limits, wanted=wanted)
        finally:
            self._free.put(child)

    def map(self, work: Callable[[In], Out], items: Iterable[In]) -> Iterator[Out]:
        """Does something with each item in as many threads as there may be children; answers come in order."""
        return self._threads.map(work, items)
