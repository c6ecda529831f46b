from pathlib import Path

import pytest

from scanner import cache
from scanner.engine.compiling import databases
from scanner.engine.compiling.children import Children, CompileStopped, Limits, Stop
from scanner.engine.compiling.databases import LIGHT_LITERALS, compile_databases
from scanner.engine.hyperscan import Batch, Probe, Scanner
from scanner.errors import EngineError

HEAVY = LIGHT_LITERALS + 1


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(cache.FOLDER_VARIABLE, str(tmp_path))
    return tmp_path


def literals(count: int, first: int = 0) -> Batch:
    probes = [Probe(b"literal %d." % number, literal=True) for number in range(count)]
    return Batch.of(probes, range(first, first + count))


def events(compiled: list[bytes], text: bytes) -> list[int]:
    found: list[int] = []
    for database in compiled:
        Scanner(database).scan(text, lambda probe, *_: found.append(probe))
    return sorted(found)


def test_small_batches_leave_nothing_behind(home: Path) -> None:
    expressions = Batch.of([Probe(b"a+b", literal=False)], [7])
    small, other = compile_databases([literals(3), expressions])
    assert events(small, b"literal 2. aab") == [2]
    assert events(other, b"literal 2. aab") == [7]
    assert list(home.iterdir()) == []


def test_large_batches_are_kept(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cold = compile_databases([literals(HEAVY, first=5), literals(HEAVY)])
    assert len(list(home.iterdir())) == 2
    monkeypatch.setattr(databases, "Children", None)  # nothing is left to compile
    assert compile_databases([literals(HEAVY, first=5), literals(HEAVY)]) == cold
    assert events(cold[0], b"literal 1000.") == [1_005]


@pytest.mark.parametrize("whole", [False, True])
def test_an_entry_that_is_no_database_is_rebuilt(home: Path, whole: bool) -> None:
    cold = compile_databases([literals(HEAVY)])
    (entry,) = home.iterdir()
    if whole:
        entry.write_bytes(entry.read_bytes()[:-9])
    else:
        cache.store(entry.name, (5).to_bytes(8, "little") + b"wrong")
    before = entry.read_bytes()
    assert compile_databases([literals(HEAVY)]) == cold
    assert entry.read_bytes() != before


def test_a_batch_that_is_too_much_becomes_several(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Children.compile

    def only_small(self: Children, batch: Batch, limits: Limits, *, wanted: bool = True) -> bytes:
        if len(batch) > HEAVY // 3:
            raise CompileStopped(Stop.MEMORY)
        return real(self, batch, limits, wanted=wanted)

    monkeypatch.setattr(Children, "compile", only_small)
    (compiled,) = compile_databases([literals(HEAVY)])
    assert len(compiled) == 4
    assert events(compiled, b"literal 0. literal 500. literal 1000.") == [0, 500, 1_000]
    assert len(list(home.iterdir())) == 1
    monkeypatch.setattr(databases, "Children", None)
    assert compile_databases([literals(HEAVY)]) == [compiled]


def test_what_compiled_alone_must_compile(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> bytes:
        raise CompileStopped(Stop.DEATH)

    monkeypatch.setattr(Children, "compile", never)
    with pytest.raises(EngineError, match="does not compile what it compiled before"):
        compile_databases([literals(HEAVY)])


def test_the_name_of_an_entry_depends_on_all_that_a_database_holds() -> None:
    first = Batch([b"ab", b"c"], [0, 0], [0, 1], literal=True)
    others = [
        Batch([b"ab", b"c"], [0, 0], [0, 1], literal=False),
        Batch([b"ab", b"c"], [0, 1], [0, 1], literal=True),
        Batch([b"ab", b"c"], [0, 0], [1, 0], literal=True),
        Batch([b"a", b"bc"], [0, 0], [0, 1], literal=True),
    ]
    assert first.digest() not in {each.digest() for each in others}
    assert len({each.digest() for each in others}) == len(others)
