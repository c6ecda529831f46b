"""Hunts of Delta and Iceberg tables on stores, with the credentials that everything else is read with."""

import json
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from jobs.cli.main import main
from scanner.archive import storage
from scanner.archive.formats.tables import open_table
from scanner.errors import HuntError
from tests.support import iceberg_stores, servers

POSTS = ("a needle", "hay", "another needle")


def hits(folder: Path, uri: str, more: str, capsys: pytest.CaptureFixture[str]) -> int:
    (folder / "pack.yaml").write_text("signatures: [{id: t.needle, literal: needle}]\n")
    (folder / "hunt.yaml").write_text(
        f"hunt: tables\narchive: {{uri: '{uri}', {more}}}\nsignatures: pack.yaml\noutput: results\n"
    )
    code = main(["hunt", str(folder / "hunt.yaml"), "--quiet", "--json"])
    printed = capsys.readouterr()
    assert code == 0, printed.err
    found: int = json.loads(printed.out)["totals"]["hits"]
    return found


def write_delta(uri: str, endpoint: str) -> None:
    options = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "conditional_put": "etag",
    }
    for text in POSTS:
        write_deltalake(uri, pa.table({"text": [text]}), mode="append", storage_options=options)


@pytest.fixture
def by_profile(s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A folder on S3, whose credentials stand in a file that boto3 finds and other libraries do not look for."""
    file = tmp_path / "credentials"
    file.write_text("[work]\naws_access_key_id = AKIATESTING\naws_secret_access_key = not-a-secret\n")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    monkeypatch.setenv("AWS_PROFILE", "work")
    storage.configure(None)
    return s3


def test_delta_on_s3(
    by_profile: str, s3_endpoint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_delta(f"{by_profile}/posts", s3_endpoint)
    assert hits(tmp_path, f"{by_profile}/posts", "format: delta", capsys) == 2
    assert hits(tmp_path, f"{by_profile}/posts", "format: delta, version: 1", capsys) == 1


def test_what_keeps_a_delta_table_on_s3_from_being_read_is_told(
    s3: str, s3_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(HuntError, match="cannot be read as a Delta table"):
        open_table(f"{s3}/nothing", "delta", None)
    with pytest.raises(HuntError, match="cannot be read as a Delta table"):
        open_table("s3://no-such-bucket/posts", "delta", None)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    storage.configure(None)
    with pytest.raises(HuntError, match="no credentials were found"):
        open_table(f"{s3}/posts", "delta", None)
    monkeypatch.setenv("AWS_REQUEST_PAYER", "requester")
    with pytest.raises(HuntError, match="requester pays are not built yet"):
        open_table(f"{s3}/posts", "delta", None)
    assert s3_endpoint


def test_delta_on_google_is_refused_where_it_would_be_read_otherwise_than_the_rest(gcs: str) -> None:
    with pytest.raises(HuntError, match=r"anything else of `storage.gcs` is not built yet"):
        open_table(f"{gcs}/posts", "delta", None)


def test_iceberg_on_s3(by_profile: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check_iceberg(by_profile, tmp_path, capsys)


def test_iceberg_on_google(gcs: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check_iceberg(gcs, tmp_path, capsys)


def check_iceberg(store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with iceberg_stores.table(tmp_path, f"{store}/lake", pa.schema([("text", pa.string())])) as table:
        table.append(pa.table({"text": POSTS[:2]}))
        first = table.metadata.current_snapshot_id
        table.append(pa.table({"text": POSTS[2:]}))
    assert hits(tmp_path, table.location(), "format: iceberg", capsys) == 2
    assert hits(tmp_path, table.location(), f"format: iceberg, snapshot: {first}", capsys) == 1
    with pytest.raises(HuntError, match="is no Iceberg table"):
        open_table(f"{store}/nothing", "iceberg", None)
    storage.delete(str(table.metadata.snapshots[0].manifest_list))
    with pytest.raises(HuntError, match="is not there"):
        open_table(table.location(), "iceberg", first)
    assert servers.BUCKET in store
