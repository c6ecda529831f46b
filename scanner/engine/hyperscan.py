"""The one door to Hyperscan: compile expressions to bytes, load the bytes, scan blocks.

``scan`` of the pinned builds takes ``bytes`` and wants its handler by keyword. A database cannot be
pickled; its serialised form can, and is only ever loaded when this program made it. A scratch belongs to one thread.
"""

import importlib.machinery
import importlib.metadata
import platform
import sys
from array import array
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from scanner.errors import EngineError

_PINNED: Final = {"x86_64": "0.6.0", "amd64": "0.6.0"}
_PINNED_ELSEWHERE: Final = "0.7.8"


def pinned_version() -> str:
    """The version of the engine's package that this program is made for, on this kind of machine."""
    return _PINNED.get(platform.machine().lower(), _PINNED_ELSEWHERE)


try:
    import hyperscan
except ImportError as _error:
    _reason = (
        f"the engine cannot be loaded: {_error}\nInstall it: pip install 'hyperscan=={pinned_version()}'"
    )
    raise EngineError(_reason) from _error

MAX_BLOCK_BYTES: Final = 2**31 - 1
"""Hyperscan counts the bytes of a block in 32 bits."""

OnEvent = Callable[[int, int, int, int, Any], bool | None]
"""Called with (probe, 0, end, 0, None) for each event; a true answer ends the scan."""


class CompileRefused(Exception):  # noqa: N818 - an answer about an expression
    """Hyperscan does not take an expression; ``str()`` is its own words."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One expression of pass one.

    Attributes:
        expression: UTF-8; a regular expression, or the bytes of a literal without NUL.
        literal: True where it is a literal.
        caseless: For literals: fold ASCII case.
        prefilter: For expressions: compile in PREFILTER mode.
    """

    expression: bytes
    literal: bool
    caseless: bool = False
    prefilter: bool = False

    @property
    def flags(self) -> int:
        """Hyperscan's flags."""
        if self.literal:
            return int(hyperscan.HS_FLAG_CASELESS) if self.caseless else 0
        base = hyperscan.HS_FLAG_UTF8 | hyperscan.HS_FLAG_MULTILINE
        return int(base | hyperscan.HS_FLAG_PREFILTER if self.prefilter else base)


@dataclass(frozen=True, slots=True)
class Batch:
    """Expressions of one kind that become one database, in columns.

    Attributes:
        expressions: At least one; all literals, or all regular expressions.
        flags: Hyperscan's, of each.
        ids: What events call each.
        literal: True where they are literals.
    """

    expressions: Sequence[bytes]
    flags: Sequence[int]
    ids: Sequence[int]
    literal: bool

    @classmethod
    def of(cls, probes: Sequence[Probe], ids: Sequence[int]) -> "Batch":
        """Probes of one kind."""
        literal = probes[0].literal
        return cls([probe.expression for probe in probes], [probe.flags for probe in probes], ids, literal)

    def __len__(self) -> int:
        return len(self.expressions)

    def without(self, ids: Container[int]) -> "Batch | None":
        """Those that events do not call so; None where no one is left."""
        left = [place for place, each in enumerate(self.ids) if each not in ids]
        if not left:
            return None
        expressions, flags = (
            [self.expressions[place] for place in left],
            [self.flags[place] for place in left],
        )
        return Batch(expressions, flags, [self.ids[place] for place in left], self.literal)

    def halves(self) -> tuple["Batch", "Batch"]:
        """The first half and the second."""
        middle = len(self) // 2
        return self._part(slice(middle)), self._part(slice(middle, None))

    def _part(self, part: slice) -> "Batch":
        return Batch(self.expressions[part], self.flags[part], self.ids[part], self.literal)

    def digest(self) -> bytes:
        """Equal batches have equal ones; no expression holds a NUL."""
        columns = array("q", self.ids).tobytes() + array("q", self.flags).tobytes()
        return sha256(b"\0".join((b"%d" % self.literal, *self.expressions, columns))).digest()


def compile_batch(batch: Batch) -> bytes:
    """Compiles a batch into one serialised database; the same batch gives the same bytes.

    Raises:
        CompileRefused: Hyperscan does not take one of the expressions, or not all of them together.
    """
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    try:
        database.compile(
            expressions=batch.expressions,
            ids=batch.ids,
            elements=len(batch),
            flags=batch.flags,
            literal=batch.literal,
        )
        return bytes(hyperscan.dumpb(database))
    except hyperscan.error as error:
        raise CompileRefused(str(error)) from None


def compile_probes(probes: Sequence[Probe], ids: Sequence[int]) -> bytes:
    """Compiles probes of one kind into one serialised database.

    Args:
        probes: At least one; all literals, or all expressions.
        ids: What events call each probe.

    Raises:
        CompileRefused: Hyperscan does not take one of them, or not all of them together.
    """
    return compile_batch(Batch.of(probes, ids))


class Scanner:
    """A loaded database and its scratch; for one thread."""

    __slots__ = ("_database",)

    def __init__(self, serialised: bytes) -> None:
        try:
            self._database = hyperscan.loadb(serialised, hyperscan.HS_MODE_BLOCK)
            self._database.scratch = hyperscan.Scratch(self._database)
        except hyperscan.error as error:
            reason = f"the compiled signatures do not load on this machine: {error}"
            raise EngineError(reason) from None

    def scan(self, block: bytes, on_event: OnEvent) -> None:
        """Scans one block and reports every end of every match.

        Args:
            block: Valid UTF-8 of at most `MAX_BLOCK_BYTES`.
            on_event: Called for each event, in the order of the offsets.

        Raises:
            EngineError: The block is too large, or the engine failed.
        """
        if len(block) > MAX_BLOCK_BYTES:
            reason = f"a cell of {len(block)} bytes is larger than the engine takes ({MAX_BLOCK_BYTES})"
            raise EngineError(reason)
        try:
            self._database.scan(block, match_event_handler=on_event)
        except hyperscan.error as error:
            reason = f"Hyperscan failed: {error}"
            raise EngineError(reason) from None


@dataclass(frozen=True, slots=True)
class Build:
    """What tells one build of the engine from another.

    Attributes:
        package: Version of the package.
        info: What the engine inside says of itself.
        digest: 64 hex digits over the machine code.
    """

    package: str
    info: str
    digest: str

    def __str__(self) -> str:
        return f"hyperscan {self.package} ({self.info})"


@cache
def build() -> Build:
    """The build of this process.

    Raises:
        EngineError: The engine does not run on this machine.
    """
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    package = importlib.metadata.version("hyperscan")
    try:
        database.compile(expressions=[b"a"], ids=[0], elements=1, flags=[0])
    except hyperscan.error as error:
        reason = f"the engine hyperscan {package} does not run on this machine: {error}"
        raise EngineError(reason) from None
    info = " ".join(database.info().decode().split())
    digest = sha256(b"".join(sha256(file.read_bytes()).digest() for file in _machine_code())).hexdigest()
    return Build(package, info, digest)


def _machine_code() -> list[Path]:
    files = {
        str(module.__file__)
        for name, module in list(sys.modules.items())
        if name.startswith("hyperscan.") and getattr(module, "__file__", None)
    }
    return [
        Path(file) for file in sorted(files) if file.endswith(tuple(importlib.machinery.EXTENSION_SUFFIXES))
    ]


def version() -> str:
    """Version of the engine inside the package, such as ``5.4.2``, and of the package."""
    return f"{build().package} ({build().info})"
