"""What every storage must do, whichever one results are published in."""

import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scanner.archive import storage
from scanner.archive.storage import GcsSettings, StorageSettings, objects
from scanner.archive.storage.names import parse
from scanner.archive.storage.objects import ObjectStore
from scanner.errors import CommitConflict, CommitUnknown, HuntError, SourceError
from tests.support import servers

RACERS = 8


@pytest.fixture(params=["local", "s3", "gcs"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A URI under which nothing is stored yet, for each implementation."""
    if request.param == "local":
        return str(tmp_path / "store")
    return str(request.getfixturevalue(request.param))


def wins(uri: str, data: bytes) -> bool:
    try:
        storage.create(uri, data)
    except CommitConflict:
        return False
    return True


def race_in_a_process(uri: str, number: int) -> list[bool]:
    return [wins(f"{uri}/{turn}", f"{number}".encode()) for turn in range(20)]


def everything_in(folder: str) -> list[str]:
    """Names in a folder, hidden ones too."""
    place = parse(folder)
    store = storage._store(place)
    if not isinstance(store, ObjectStore):
        return [path.name for path in Path(folder).iterdir()]
    return [
        entry.key.removeprefix(f"{place.key}/")
        for page in store._pages(place, flat=True)
        for entry in page.entries
    ]


def put(folder: str, *names: str) -> None:
    for name in names:
        with storage.open_output(f"{folder}/{name}") as sink:
            sink.write(name.encode())


def found(uri: str, below: str) -> list[str]:
    return [info.uri.removeprefix(f"{below}/") for info in storage.list_files(uri)]


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


# On Google's, the threads above race; eight processes that import its libraries take long.
@pytest.mark.parametrize("folder", ["local", "s3"], indirect=True)
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
    assert everything_in(folder) == ["b"]


def test_a_file_is_found_read_and_removed(folder: str) -> None:
    uri = f"{folder}/a.parquet"
    assert not storage.exists(uri)
    assert not storage.is_folder(folder)
    assert storage.list_names(folder) == []
    storage.create(uri, b"0123456789")
    assert storage.exists(folder)
    assert storage.is_folder(folder)
    info = storage.stat(uri)
    assert (info.uri, info.size_bytes) == (uri, 10)
    assert list(storage.list_files(folder)) == [info]
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
    if "://" in folder:
        bad = folder.replace("dumps", "no-such-bucket")
    else:
        bad = f"{folder}/below"
        storage.create(folder, b"a file where a folder should be")
    with pytest.raises(HuntError, match="cannot be written"):
        storage.make_writable(bad)
    if "://" not in folder:
        with pytest.raises(HuntError, match="a file stands where a folder should be; name a folder"):
            storage.make_writable(folder)
    for uri in (f"{bad}/a", f"{bad}/below/a"):
        with pytest.raises(CommitUnknown):
            storage.create(uri, b"")


def test_a_folder_is_listed_to_its_last_file_in_the_order_of_names(
    folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(folder, "b.parquet", "a/c.parquet", "a.parquet", "a/b/d.parquet", "a!.parquet")
    put(folder, "_SUCCESS", ".x.parquet", "_log/e.parquet", "a/.tmp/f.parquet", "notes.txt")
    expected = ["a!.parquet", "a.parquet", "a/b/d.parquet", "a/c.parquet", "b.parquet"]
    monkeypatch.setattr(objects, "PAGE_FILES", 2)
    assert found(folder, folder) == expected
    assert found(f"{folder}/", folder) == expected
    assert storage.list_names(folder) == [
        "_SUCCESS",
        "_log",
        "a",
        "a!.parquet",
        "a.parquet",
        "b.parquet",
        "notes.txt",
    ]
    assert [storage.stat(info.uri) for info in storage.list_files(folder)] == list(storage.list_files(folder))


def test_a_folder_of_another_format_is_listed_by_its_endings(folder: str) -> None:
    put(folder, "a.parquet", "b.jsonl", "c/d.jsonl.gz", "_e.jsonl", "jsonl")
    listed = storage.list_files(folder, (".jsonl", ".jsonl.gz"))
    assert [info.uri.removeprefix(f"{folder}/") for info in listed] == ["b.jsonl", "c/d.jsonl.gz"]
    with pytest.raises(HuntError, match=r"holds no \*\.orc file"):
        list(storage.list_files(folder, (".orc",)))


def test_what_is_passed_over_in_a_folder_is_told_where_it_might_be_data(folder: str) -> None:
    put(folder, "a.parquet", "b.CSV", "c/part-0000", "c/_d.parquet", "c/.e.parquet")
    put(folder, "_SUCCESS", ".a.parquet.crc", "_log/e.parquet", ".tmp/f.csv")
    passed: list[str] = []
    assert [info.uri for info in storage.list_files(folder, passed=passed.append)] == [f"{folder}/a.parquet"]
    names = sorted(uri.removeprefix(f"{folder}/") for uri in passed)
    assert names == ["b.CSV", "c/.e.parquet", "c/_d.parquet", "c/part-0000"]


def test_globs_stand_for_files_and_folders(folder: str) -> None:
    put(
        folder,
        "day=1/a.parquet",
        "day=2/b.parquet",
        "month=1/c.parquet",
        "_x.parquet",
        "data.bin",
        "day=2/.d/e.parquet",
    )
    assert found(f"{folder}/day=*", folder) == ["day=1/a.parquet", "day=2/b.parquet"]
    assert found(f"{folder}/day=[!1]", folder) == ["day=2/b.parquet"]
    assert found(f"{folder}/**/[ab].parquet", folder) == ["day=1/a.parquet", "day=2/b.parquet"]
    assert found(f"{folder}/*.???", folder) == ["data.bin"]
    assert found(f"{folder}/**", folder) == [
        "data.bin",
        "day=1/a.parquet",
        "day=2/b.parquet",
        "month=1/c.parquet",
    ]
    assert found(f"{folder}/_x.parquet", folder) == ["_x.parquet"]
    assert found(f"{folder}/data.bin", folder) == ["data.bin"]


ODD = ["a b", "a%20b", "ü#x", "q?x", "s*t", "[1]", "plus+x&y=z", "back\\slash", "{}", "tail "]


def test_a_name_means_itself_to_the_letter(folder: str) -> None:
    put(folder, *(f"{name}.parquet" for name in ODD), "1.parquet", "sat.parquet")
    for name in ODD:
        uri = f"{folder}/{name}.parquet"
        (info,) = storage.list_files(uri)
        assert info == storage.stat(uri)
        with storage.open_input(uri) as source:
            assert source.read() == f"{name}.parquet".encode()
    assert set(found(folder, folder)) == {f"{name}.parquet" for name in [*ODD, "1", "sat"]}


def test_parts_of_a_file_are_read_by_themselves(folder: str) -> None:
    storage.create(f"{folder}/a", b"0123456789")
    storage.create(f"{folder}/empty", b"")
    assert storage.read_range(f"{folder}/a", 2, 3) == b"234"
    assert storage.read_range(f"{folder}/a", 8, 100) == b"89"
    assert storage.read_range(f"{folder}/a", 10, 1) == storage.read_range(f"{folder}/a", 3, 0) == b""
    assert storage.read_tail(f"{folder}/a", 10, 4) == b"6789"
    assert storage.read_tail(f"{folder}/a", 10, 64) == b"0123456789"
    assert storage.read_bytes(f"{folder}/empty") == storage.read_range(f"{folder}/empty", 0, 9) == b""


def test_a_large_output_is_sent_in_parts_and_shown_at_the_end(folder: str) -> None:
    block = bytes(range(256)) * 20_001
    with storage.open_output(f"{folder}/large") as sink:
        for _ in range(4):
            sink.write(block)
        assert not storage.exists(f"{folder}/large")
    assert storage.read_bytes(f"{folder}/large") == block * 4

    def fail() -> None:
        with storage.open_output(f"{folder}/half") as sink:
            sink.write(block * 4)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert storage.list_names(folder) == ["large"]


def test_parquet_files_are_one_table(folder: str) -> None:
    for number in range(2):
        with storage.open_output(f"{folder}/{number} %.parquet") as sink:
            pq.write_table(pa.table({"n": [number], "s": ["x"]}), sink)
    files = [f"{folder}/{number} %.parquet" for number in range(2)]
    schema = pq.read_schema(pa.BufferReader(storage.read_bytes(files[0])))
    dataset = storage.open_dataset(files, schema)
    assert dataset.to_table(columns=["n"]).to_pydict() == {"n": [0, 1]}
    assert dataset.count_rows() == 2


@pytest.mark.parametrize(
    "uri", ["s3://no-such-bucket", "gs://no-such-bucket/x", "s3://no-such-bucket/*.parquet"]
)
@pytest.mark.usefixtures("s3", "gcs")
def test_a_bucket_that_is_not_there_is_no_empty_archive(uri: str) -> None:
    with pytest.raises(HuntError, match="there is no such bucket"):
        list(storage.list_files(uri))


def test_a_store_that_overwrites_what_was_to_be_new_is_refused() -> None:
    with servers.gcs_server(enforcing=False) as endpoint:
        storage.configure(StorageSettings(gcs=GcsSettings(endpoint, anonymous=True)))
        try:
            with pytest.raises(HuntError, match="this store overwrites objects that were to be new"):
                storage.make_writable(f"gs://{servers.BUCKET}/results")
        finally:
            storage.configure(None)
