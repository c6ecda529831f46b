"""Splits read ahead from stores: how many requests it takes, and what becomes of a file that is not what it was."""

import http.server
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scanner.archive import storage
from scanner.archive.parquet.footers import read_footer
from scanner.archive.plan import Split, make_plan
from scanner.archive.read import Batch, Gap, read_split
from scanner.archive.storage import GcsSettings, S3Settings, StorageSettings
from tests.support.faults import Fault, Faults, Kind, faulty
from tests.support.servers import served

ROWS = 3_000
COLUMNS = ["id", "text", "tags[]"]
FAULTS: list[tuple[Kind, str]] = [
    ("status", "the store answered 503; tried 3 times"),
    ("reset", "the connection failed"),
    ("short", "tried 3 times"),
]


@pytest.fixture(params=["s3", "gcs"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Faults]]:
    """A file of three row groups on a store behind a proxy, and the same file on the local disk."""
    uri = f"{request.getfixturevalue(request.param)}/a.parquet"
    upload(uri, written(tmp_path / "a.parquet", "text"))
    with faulty(request.getfixturevalue(f"{request.param}_endpoint")) as faults:
        storage.configure(
            StorageSettings(
                S3Settings(faults.endpoint, "us-east-1"),
                GcsSettings(faults.endpoint, anonymous=True),
                attempts=3,
                backoff_s=0.001,
            )
        )
        yield uri, faults
        storage.configure(None)


def written(path: Path, text: str) -> Path:
    table = pa.table({
        "id": range(ROWS),
        "other": [row * 7919 % 104_729 for row in range(ROWS)],
        "text": [f"{text} {row % 1000}" for row in range(ROWS)],
        "tags": [[f"{row} {n}" for n in range(row % 3)] for row in range(ROWS)],
    })  # fmt: skip
    pq.write_table(table, path, 1_000)
    return path


def upload(uri: str, path: Path) -> None:
    with storage.open_output(uri) as sink:
        sink.write(path.read_bytes())


def planned(uri: str) -> tuple[Split, bytes]:
    [split] = make_plan([uri], ["text"]).splits
    return split, read_footer(split.info)


def rows(pieces: Iterator[Batch | Gap]) -> list[dict[str, Any]]:
    return [row for piece in pieces if isinstance(piece, Batch) for row in piece.data.to_pylist()]


def test_a_small_file_is_one_request_and_reads_as_on_the_disk(
    store: tuple[str, Faults], tmp_path: Path
) -> None:
    uri, faults = store
    local, _ = planned(str(tmp_path / "a.parquet"))
    expected = rows(read_split(local, COLUMNS))
    split, footer = planned(uri)
    faults.requests.clear()
    assert rows(read_split(split, COLUMNS, footer=footer)) == expected
    assert [method for method, _ in faults.requests] == ["GET"]
    faults.requests.clear()
    assert rows(read_split(split, COLUMNS)) == expected
    assert [method for method, _ in faults.requests] == ["GET"] * 2, "and one for the footer"
    assert len(expected) == ROWS


@pytest.mark.parametrize(("kind", "reason"), FAULTS)
def test_a_fault_is_outlived_or_the_file_is_unreachable(
    store: tuple[str, Faults], kind: Kind, reason: str
) -> None:
    uri, faults = store
    split, footer = planned(uri)
    faults.coming = [Fault(kind, times=2)]
    assert len(rows(read_split(split, COLUMNS, footer=footer))) == ROWS
    assert faults.coming[0].times == 0
    faults.coming = [Fault(kind, times=1000)]
    with pytest.raises(storage.Unreachable, match=reason):
        list(read_split(split, COLUMNS, footer=footer))
    # A connection that was used before is tried twice by aiohttp itself.
    assert faults.coming[0].times >= 1000 - 2 * 3, "the row groups have their request in common"


def test_another_version_is_never_read(
    store: tuple[str, Faults], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri, _ = store
    split, footer = planned(uri)
    monkeypatch.setattr("scanner.archive.parquet.windows.WINDOW_BYTES", 1_000)
    monkeypatch.setattr("scanner.archive.parquet.read_ahead.AHEAD_BYTES", 1_000)
    reading = read_split(split, COLUMNS, footer=footer)
    assert isinstance(next(reading), Batch)
    upload(uri, written(tmp_path / "b.parquet", "anew"))
    for late in (reading, read_split(split, COLUMNS, footer=footer), read_split(split, COLUMNS)):
        with pytest.raises(storage.Changed, match="has changed since the hunt was planned"):
            list(late)
    storage.delete(uri)
    with pytest.raises(storage.Missing):
        list(read_split(split, COLUMNS, footer=footer))


class Unconditional(http.server.BaseHTTPRequestHandler):
    """A store that knows no conditions on reads, and holds one object."""

    def do_GET(self) -> None:
        self.send_response(206)
        self.send_header("ETag", '"new"')
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"data")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        pass


def test_another_version_is_told_where_the_store_knows_no_conditions() -> None:
    with served(Unconditional) as endpoint:
        storage.configure(StorageSettings(S3Settings(endpoint, "us-east-1", anonymous=True)))
        assert storage.read_range("s3://dumps/a", 0, 4, "new") == b"data"
        with pytest.raises(storage.Changed):
            storage.read_range("s3://dumps/a", 0, 4, "old")
        storage.configure(None)
