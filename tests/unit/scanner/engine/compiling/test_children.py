import os
import sys
import threading
from collections.abc import Iterator

import pytest

from scanner.engine.compiling import children as module
from scanner.engine.compiling.children import Children, CompileStopped, Limits, Stop, _Child
from scanner.engine.hyperscan import Batch, CompileRefused, Probe, Scanner
from scanner.errors import EngineError

ENOUGH = Limits(20, 2 << 30)
SLOW = (
    r"(?i:nope|didn['\x{2019}]?[\x{9}-\x{d}\x{20}]*t[\x{9}-\x{d}\x{20}]+work|not[\x{9}-\x{d}\x{20}]+working)"
    r"[\x{0}-\x{9}\x{e}-\x{d7ff}\x{e000}-\x{10ffff}]{0,150}(?i:nothing|doesn['\x{2019}]?[\x{9}-\x{d}\x{20}]*t"
    r"[\x{9}-\x{d}\x{20}]+work|still[\x{9}-\x{d}\x{20}]+not)"
)


def batch(*expressions: str) -> Batch:
    return Batch.of([Probe(each.encode(), literal=False) for each in expressions], range(len(expressions)))


@pytest.fixture
def children() -> Iterator[Children]:
    with Children() as found:
        yield found


def test_a_child_compiles_what_this_process_can_scan_with(children: Children) -> None:
    ends: list[tuple[int, int]] = []
    database = children.compile(batch("ab", "b"), ENOUGH)
    Scanner(database).scan(b"xab", lambda probe, _start, end, _flags, _context: ends.append((probe, end)))
    assert sorted(ends) == [(0, 3), (1, 3)]
    assert children.compile(batch("ab"), ENOUGH, wanted=False) == b""


def test_what_the_engine_refuses_is_told_in_its_words(children: Children) -> None:
    with pytest.raises(CompileRefused, match="parenthesis"):
        children.compile(batch("a("), ENOUGH)


def test_time_ends_one_batch_and_no_other(children: Children) -> None:
    with pytest.raises(CompileStopped) as caught:
        children.compile(batch(SLOW), Limits(0.02, 2 << 30))
    assert caught.value.why is Stop.TIME
    assert children.compile(batch("ab"), ENOUGH)


def test_memory_ends_one_batch_and_no_other(children: Children) -> None:
    literals = [b"literal %d." % number for number in range(100_000)]
    large = Batch(literals, [0] * len(literals), range(len(literals)), literal=True)
    with pytest.raises(CompileStopped) as caught:
        children.compile(large, Limits(20, 80 << 20))
    assert caught.value.why is Stop.MEMORY
    assert children.compile(batch("ab"), ENOUGH)


def test_a_child_that_dies_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    with Children() as one:
        one.compile(batch("a"), ENOUGH)
        (child,) = one._started
        killer = threading.Timer(0.2, child._process.kill)
        killer.start()
        with pytest.raises(CompileStopped) as caught:
            one.compile(batch(SLOW), ENOUGH)
        killer.join()
        assert caught.value.why is Stop.DEATH
        assert one.compile(batch("a"), ENOUGH)


def test_many_are_compiled_at_once_and_answered_in_order(children: Children) -> None:
    def ends(number: int) -> list[int]:
        found: list[int] = []
        database = children.compile(batch(f"a{{{number}}}"), ENOUGH)
        Scanner(database).scan(b"a" * 50, lambda _probe, _start, end, _flags, _context: found.append(end))
        return found

    assert [found[0] for found in children.map(ends, range(1, 40))] == list(range(1, 40))
    assert len(children._started) <= module.MAX_CHILDREN


def test_no_child_outlives_its_owner() -> None:
    with Children() as some:
        list(some.map(lambda _: some.compile(batch("a"), ENOUGH, wanted=False), range(20)))
        processes = [child._process for child in some._started]
    assert processes
    assert all(process.returncode is not None for process in processes)


def test_a_child_ends_when_nobody_is_there_any_more() -> None:
    child = _Child()
    child._pipe.close()
    assert child._process.wait(30) == 0


def test_a_child_that_cannot_start_is_an_error_of_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with Children() as some, pytest.raises(EngineError, match="cannot be started"):
        some.compile(batch("a"), ENOUGH)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with Children() as some, pytest.raises(EngineError, match="ended at once"):
        some.compile(batch("a"), ENOUGH)
