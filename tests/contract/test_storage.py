"""What every storage must do, whichever one results are published in."""

import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pyarrow as pa
import pytest

from scanner.archive import storage
from scanner.errors import CommitConflict, CommitUnknown, HuntError, SourceError

RACERS = 8


@pytest.fixture(params=["local"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A URI under which nothing is stored yet, for each implementation."""
    assert request.param == "local"
    return str(tmp_path / "store")


def wins(uri: str, data: bytes) -> bool:
    try:
        storage.create(uri, data)
    except CommitConflict:
        return False
    return True


def race_in_a_process(uri: str, number: int) -> list[bool]:
    return [wins(f"{uri}/{turn}", f"{number}".encode()) for turn in range(20)]


def fail_half_way(uri: str) -> None:
    def write() -> None:
        with storage.open_output(uri) as sink:
            sink.write(b"half")
            assert not storage.exists(uri)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write()


def test_create_writes_once_and_never_overwrites(folder: str) -> None:
    storage.create(f"{folder}/commits/a", b"first")
    with pytest.raises(CommitConflict) as caught:
        storage.create(f"{folder}/commits/a", b"second")
    assert caught.value.uri == f"{folder}/commits/a"
    assert storage.read_bytes(f"{folder}/commits/a") == b"first"
    assert storage.list_names(f"{folder}/commits") == ["a"]


def test_of_many_threads_that_create_the_same_name_one_wins(folder: str) -> None:
    start = threading.Barrier(RACERS)

    def race(number: int) -> list[bool]:
        won = []
        for turn in range(20):
            start.wait()
            won.append(wins(f"{folder}/{turn}", f"{number}".encode() * 10_000))
        return won

    with ThreadPoolExecutor(RACERS) as pool:
        results = list(pool.map(race, range(RACERS)))
    for turn, won in enumerate(zip(*results, strict=True)):
        assert sum(won) == 1
        assert storage.read_bytes(f"{folder}/{turn}") == f"{won.index(True)}".encode() * 10_000


def test_of_many_processes_that_create_the_same_name_one_wins(folder: str) -> None:
    with ProcessPoolExecutor(RACERS, mp_context=get_context("spawn")) as pool:
        results = list(pool.map(race_in_a_process, [folder] * RACERS, range(RACERS)))
    for turn, won in enumerate(zip(*results, strict=True)):
        assert sum(won) == 1
        assert storage.read_bytes(f"{folder}/{turn}") == f"{won.index(True)}".encode()


def test_an_output_appears_whole_or_not_at_all(folder: str) -> None:
    uri = f"{folder}/hits/a.parquet"
    fail_half_way(uri)
    assert not storage.exists(uri)
    assert storage.list_names(f"{folder}/hits") == []
    with storage.open_output(uri) as sink:
        sink.write(b"whole")
    assert storage.read_bytes(uri) == b"whole"
    assert storage.list_names(f"{folder}/hits") == ["a.parquet"]


def test_an_output_leaves_nothing_else_behind(folder: str) -> None:
    fail_half_way(f"{folder}/a")
    storage.create(f"{folder}/b", b"")
    with pytest.raises(CommitConflict):
        storage.create(f"{folder}/b", b"")
    storage.make_writable(folder)
    assert [path.name for path in Path(folder).iterdir()] == ["b"]


def test_a_file_is_found_read_and_removed(folder: str) -> None:
    uri = f"{folder}/a.parquet"
    assert not storage.exists(uri)
    assert storage.list_names(folder) == []
    storage.create(uri, b"0123456789")
    info = storage.stat(uri)
    assert (info.uri, info.size_bytes) == (uri, 10)
    assert storage.list_files(folder) == [info]
    with storage.open_input(uri) as source:
        assert isinstance(source, pa.NativeFile)
        source.seek(7)
        assert source.read() == b"789"
    storage.delete(uri)
    storage.delete(uri)
    assert not storage.exists(uri)


def test_a_new_version_of_a_file_has_a_new_etag(folder: str) -> None:
    etags = []
    for content in (b"one", b"three"):
        with storage.open_output(f"{folder}/a") as sink:
            sink.write(content)
        etags.append(storage.stat(f"{folder}/a").etag)
    assert etags[0] != etags[1]


@pytest.mark.parametrize("act", [storage.stat, storage.open_input, storage.read_bytes])
def test_a_missing_file_is_a_source_error(folder: str, act: Callable[[str], object]) -> None:
    with pytest.raises(SourceError, match="is not there"):
        act(f"{folder}/missing")


def test_a_place_that_cannot_be_written_is_refused_before_any_work(folder: str) -> None:
    storage.create(folder, b"a file where a folder should be")
    with pytest.raises(HuntError, match="cannot be written"):
        storage.make_writable(f"{folder}/below")
    for uri in (f"{folder}/a", f"{folder}/below/a"):
        with pytest.raises(CommitUnknown):
            storage.create(uri, b"")
