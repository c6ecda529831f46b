"""Databases of pass one: many expressions compiled together, kept on disk, in as few pieces as the engine allows."""

from collections.abc import Iterator, Sequence
from typing import Final

from scanner import cache
from scanner.engine import hyperscan
from scanner.engine.compiling.children import Children, CompileStopped, Limits
from scanner.engine.compiling.effort import positions
from scanner.engine.compiling.probes import LIGHT_POSITIONS
from scanner.engine.hyperscan import Batch, CompileRefused, Scanner, compile_batch
from scanner.errors import EngineError

LIGHT_LITERALS: Final = 1_000
"""Literals that compile in hundredths of a second."""


def compile_databases(batches: Sequence[Batch]) -> list[list[bytes]]:
    """Compiles batches, each in a child process under limits that grow with it, several at once.

    A batch that the engine does not take as a whole becomes several databases. What was compiled before is loaded.

    Returns:
        Of each batch at least one serialised database; the same batch gives the same bytes.

    Raises:
        EngineError: An expression that compiles alone does not compile now, or no child can be started.
    """
    names = [cache.key("database", _engine(), batch.digest()) for batch in batches]
    light = [_is_light(batch) for batch in batches]
    found = [
        _here(batch) if is_light else _stored(name)
        for name, batch, is_light in zip(names, batches, light, strict=True)
    ]
    missing = [number for number, databases in enumerate(found) if not databases]
    if missing:
        with Children() as children:
            compiled = children.map(lambda number: list(_there(batches[number], children)), missing)
            for number, databases in zip(missing, compiled, strict=True):
                found[number] = databases
                cache.store(names[number], _framed(databases))
    return found


def _engine() -> str:
    build = hyperscan.build()
    return cache.key(build.package, build.info, build.digest)


def _is_light(batch: Batch) -> bool:
    if batch.literal:
        return len(batch) <= LIGHT_LITERALS
    return (
        len(batch) <= LIGHT_POSITIONS
        and sum(positions(each.decode()) for each in batch.expressions) <= LIGHT_POSITIONS
    )


def _limits(batch: Batch) -> Limits:
    if batch.literal:
        return Limits(60 + len(batch) / 1_000, (2 << 30) + (len(batch) << 13))
    return Limits(120 + len(batch) / 5, (4 << 30) + (len(batch) << 20))


def _here(batch: Batch) -> list[bytes]:
    try:
        return [compile_batch(batch)]
    except CompileRefused as refusal:
        if len(batch) == 1:
            raise _impossible(str(refusal)) from None
    return [database for half in batch.halves() for database in _here(half)]


def _there(batch: Batch, children: Children) -> Iterator[bytes]:
    try:
        yield children.compile(batch, _limits(batch))
    except (CompileRefused, CompileStopped) as refusal:
        if len(batch) == 1:
            raise _impossible(str(refusal)) from None
        for half in batch.halves():
            yield from _there(half, children)


def _impossible(words: str) -> EngineError:
    return EngineError(f"the engine does not compile what it compiled before: {words.rstrip('.')}")


def _stored(name: str) -> list[bytes]:
    """The databases under a name; none where they are not there, or are not what this engine wrote."""
    body = cache.load(name)
    databases = [] if body is None else list(_unframed(body))
    try:
        for database in databases:
            Scanner(database)
    except EngineError:
        return []
    return databases


def _framed(databases: Sequence[bytes]) -> bytes:
    return b"".join(len(database).to_bytes(8, "little") + database for database in databases)


def _unframed(body: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(body):
        end = at + 8 + int.from_bytes(body[at : at + 8], "little")
        yield body[at + 8 : end]
        at = end
