"""What every object store must survive, and what it must say of what it does not."""

import pickle
import re
from collections.abc import Callable, Iterator
from typing import Final

import pyarrow as pa
import pytest

from scanner.archive import storage
from scanner.archive.parquet.footers import arrow_errors
from scanner.archive.storage import GcsSettings, S3Settings, StorageSettings
from scanner.errors import CommitConflict, CommitUnknown, HindcastError, HuntError, SourceError
from tests.support.faults import EXPIRED, Fault, Faults, Kind, faulty

ATTEMPTS: Final = 3
CONTENT: Final = bytes(range(256)) * 100


@pytest.fixture(params=["s3", "gcs"])
def broken(request: pytest.FixtureRequest) -> Iterator[tuple[str, Faults]]:
    """A folder with one file, and the faults of the way there."""
    folder = str(request.getfixturevalue(request.param))
    storage.create(f"{folder}/a.parquet", CONTENT)
    with faulty(request.getfixturevalue(f"{request.param}_endpoint")) as faults:
        s3 = S3Settings(faults.endpoint, "us-east-1")
        gcs = GcsSettings(faults.endpoint, anonymous=True)
        settings = StorageSettings(s3, gcs, attempts=ATTEMPTS, timeout_s=1, backoff_s=0.001)
        storage.configure(pickle.loads(pickle.dumps(settings)))  # noqa: S301 - our own bytes
        yield folder, faults
        storage.configure(None)


def read(folder: str) -> bytes:
    with storage.open_input(f"{folder}/a.parquet") as source:
        return source.read()


def write(folder: str) -> bytes:
    with storage.open_output(f"{folder}/b") as sink:
        for _ in range(700):
            sink.write(CONTENT)
    storage.configure(None)
    assert storage.read_bytes(f"{folder}/b") == CONTENT * 700
    return CONTENT


def make(folder: str) -> bytes:
    storage.create(f"{folder}/c", CONTENT)
    storage.configure(None)
    return storage.read_bytes(f"{folder}/c")


def look(folder: str) -> bytes:
    (info,) = storage.list_files(folder)
    assert info == storage.stat(f"{folder}/a.parquet")
    return CONTENT


def fetch(folder: str) -> bytes:
    return storage.read_range(f"{folder}/a.parquet", 0, len(CONTENT))


ACTS: Final[list[Callable[[str], bytes]]] = [read, write, make, look, fetch]
READS: Final[list[Callable[[str], bytes]]] = [read, look, fetch]


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("kind", ["status", "reset", "short", "lost answer"])
def test_what_fails_once_or_twice_is_tried_again(
    broken: tuple[str, Faults], kind: Kind, act: Callable[[str], bytes]
) -> None:
    folder, faults = broken
    faults.coming = [Fault(kind, times=ATTEMPTS - 1)]
    assert act(folder) == CONTENT


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_store_that_is_busy_is_asked_again(broken: tuple[str, Faults], status: int) -> None:
    folder, faults = broken
    faults.coming = [Fault("status", times=ATTEMPTS - 1, status=status)]
    assert fetch(folder) == CONTENT
    assert len(faults.requests) == ATTEMPTS


def test_a_body_that_stands_still_is_given_up_and_asked_for_again(broken: tuple[str, Faults]) -> None:
    folder, faults = broken
    faults.coming = [Fault("stall", method="GET")]
    assert fetch(folder) == CONTENT
    faults.coming = [Fault("stall", method="GET", within="parquet")]
    assert read(folder) == CONTENT


@pytest.mark.parametrize("act", READS)
@pytest.mark.parametrize("kind", ["status", "reset"])
def test_what_fails_too_often_is_told_with_its_reason(
    broken: tuple[str, Faults], kind: Kind, act: Callable[[str], bytes]
) -> None:
    folder, faults = broken
    faults.coming = [Fault(kind, times=1000)]
    with pytest.raises((SourceError, HuntError)) as caught:
        act(folder)
    reason = "the store answered 503" if kind == "status" else "the connection failed"
    assert reason in str(caught.value)
    assert f"; tried {ATTEMPTS} times" in str(caught.value)
    assert folder in str(caught.value)


@pytest.mark.parametrize("act", [*READS, make])
def test_what_is_refused_is_not_asked_again_and_told_with_the_identity(
    broken: tuple[str, Faults], act: Callable[[str], bytes]
) -> None:
    folder, faults = broken
    faults.coming = [Fault("status", times=1000, status=403, body=EXPIRED)]
    with pytest.raises(HindcastError) as caught:
        act(folder)
    identity = "access key AKIATESTING" if folder.startswith("s3") else "anonymous"
    assert f"not allowed (as {identity}): the store answered 403" in str(caught.value)
    assert "hush" not in str(caught.value)
    assert len(faults.requests) <= 4


def test_a_record_whose_answer_was_lost_is_told_from_one_that_came_second(broken: tuple[str, Faults]) -> None:
    folder, faults = broken
    faults.coming = [Fault("lost answer")]
    storage.create(f"{folder}/c", b"mine")
    faults.coming = [Fault("lost answer")]
    with pytest.raises(CommitConflict):
        storage.create(f"{folder}/c", b"theirs")
    faults.coming = [Fault("lost answer", times=1000)]
    with pytest.raises(CommitUnknown, match="the connection failed"):
        storage.create(f"{folder}/d", b"mine")
    faults.coming = []
    assert storage.read_bytes(f"{folder}/c") == storage.read_bytes(f"{folder}/d") == b"mine"


def test_a_conflict_that_nobody_won_yet_is_tried_again(broken: tuple[str, Faults]) -> None:
    folder, faults = broken
    if folder.startswith("gs"):
        return  # a conflict of S3's
    conflict = b"<Error><Code>ConditionalRequestConflict</Code></Error>"
    faults.coming = [Fault("status", times=2, status=409, body=conflict)]
    storage.create(f"{folder}/c", b"mine")
    assert storage.read_bytes(f"{folder}/c") == b"mine"


def test_an_output_that_cannot_be_sent_leaves_nothing(broken: tuple[str, Faults]) -> None:
    folder, faults = broken

    def send() -> None:
        with storage.open_output(f"{folder}/b") as sink:
            sink.write(bytes(9 << 20))
            faults.coming = [Fault("status", times=1000)]
            for _ in range(2):
                with pytest.raises(SourceError, match="the store answered 503"):
                    sink.write(bytes(9 << 20))

    with pytest.raises(SourceError, match="the store answered 503"):
        send()
    faults.coming = []
    assert not storage.exists(f"{folder}/b")


def test_a_proxy_is_asked_where_one_is_named(
    broken: tuple[str, Faults], s3_endpoint: str, gcs_endpoint: str
) -> None:
    folder, faults = broken
    s3 = S3Settings(s3_endpoint, "us-east-1", proxy=faults.endpoint)
    gcs = GcsSettings(gcs_endpoint, anonymous=True, proxy=faults.endpoint)
    storage.configure(StorageSettings(s3, gcs, attempts=1, timeout_s=1))
    for act in READS:
        faults.requests.clear()
        assert act(folder) == CONTENT
        assert faults.requests
        assert all(path.startswith("http://127.0.0.1:") for _, path in faults.requests)


REFUSED: Final = r"not allowed \(as access key AKIATESTING\): the store answered "
SAID: Final[list[tuple[int, bytes, str]]] = [
    # Arrow does not always find what the store wrote, and then tells what the status means.
    (403, EXPIRED, f"{REFUSED}(ExpiredToken|ACCESS_DENIED)"),
    (400, EXPIRED, f"{REFUSED}ExpiredToken|the store answered [A-Z_]+"),
    (403, b"<Error><Code>AccessDenied</Code><Message>hush</Message></Error>", f"{REFUSED}ACCESS_DENIED"),
    (404, b"<Error><Code>NoSuchKey</Code></Error>", "the store answered (NO_SUCH_KEY|RESOURCE_NOT_FOUND)"),
    (503, b"<Error><Code>SlowDown</Code></Error>", "the store answered (SLOW_DOWN|SERVICE_UNAVAILABLE)"),
]


def failed_read(source: pa.NativeFile, uri: str) -> SourceError:
    with pytest.raises(SourceError) as caught, arrow_errors(uri):
        source.read()
    return caught.value


@pytest.mark.parametrize(("status", "body", "reason"), SAID)
@pytest.mark.parametrize("broken", ["s3"], indirect=True)
def test_what_a_store_says_in_the_middle_of_a_file_is_told_in_our_words(
    broken: tuple[str, Faults], status: int, body: bytes, reason: str
) -> None:
    folder, faults = broken
    uri = f"{folder}/a.parquet"
    with storage.open_input(uri) as source:
        faults.coming = [Fault("status", times=1000, status=status, body=body)]
        error = failed_read(source, uri)
    assert error.uri == uri
    assert re.fullmatch(reason, error.reason)


@pytest.mark.parametrize("broken", ["s3"], indirect=True)
def test_a_connection_that_breaks_too_often_in_the_middle_of_a_file_is_told(
    broken: tuple[str, Faults],
) -> None:
    folder, faults = broken
    uri = f"{folder}/a.parquet"
    with storage.open_input(uri) as source:
        faults.coming = [Fault("short", times=1000)]
        error = failed_read(source, uri)
    assert error.reason == "the connection failed (curlCode: 18, Transferred a partial file)"
