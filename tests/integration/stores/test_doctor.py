"""`hindcast doctor` on stores that refuse one thing each, and on those that are not there."""

import http.server
import json
import os
import socket
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.cli.main import main
from jobs.doctor.check import Check
from jobs.doctor.stores import ATTEMPTS, TIMEOUT_S, check_stores
from jobs.hunt_file.spec import load_hunt
from scanner.archive import storage
from tests.support import servers
from tests.support.iam import Guard, guarded_s3

BUCKETS = ("doctor-dumps", "doctor-hunts")
EVERYTHING = {
    "archive.list": "s3:ListBucket",
    "archive.read": "s3:GetObject",
    "output.create": "s3:PutObject",
    "output.read": "s3:GetObject",
    "output.list": "s3:ListBucket",
    "output.delete": "s3:DeleteObject",
}


def parquet() -> bytes:
    sink = BytesIO()
    pq.write_table(pa.table({"text": ["good morning"]}), sink)
    return sink.getvalue()


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, Guard]]:
    with guarded_s3() as (endpoint, guard):
        client = boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id="x",
            aws_secret_access_key="x",  # noqa: S106 - the server takes any
        )
        for bucket in BUCKETS:
            client.create_bucket(Bucket=bucket)
        client.put_object(Bucket="doctor-dumps", Key="comments/day=1/a.parquet", Body=parquet())
        client.close()
        yield endpoint, guard


@pytest.fixture
def guard(server: tuple[str, Guard], monkeypatch: pytest.MonkeyPatch) -> Iterator[Guard]:
    endpoint, guard = server
    for name, value in {**servers.CREDENTIALS, "AWS_ENDPOINT_URL_S3": endpoint}.items():
        monkeypatch.setenv(name, value)
    guard.awake = True
    guard.allowed, guard.refused = [], []
    yield guard
    guard.awake = False
    storage.configure(None)


def allow(guard: Guard, *, without: str = "") -> None:
    """What a hunt needs, but for one right on one bucket."""
    guard.statements = [
        {
            "Sid": name,
            "Effect": "Allow",
            "Action": action,
            "Resource": f"arn:aws:s3:::{bucket}{'' if action == 's3:ListBucket' else '/*'}",
        }
        for name, action in EVERYTHING.items()
        for bucket in ["doctor-dumps" if name.startswith("archive") else "doctor-hunts"]
        if name != without
    ]


def hunt(folder: Path, uri: str, output: str, more: str = "") -> str:
    file = folder / "hunt.yaml"
    file.write_text(
        f"hunt: small\narchive: {{uri: '{uri}'}}\nsignatures: [pack.yaml]\noutput: '{output}'\n{more}"
    )
    (folder / "pack.yaml").write_text("signatures: [{id: t.a, literal: a}]\n")
    return str(file)


def looked_at(folder: Path, uri: str, output: str, more: str = "") -> dict[str, Check]:
    checks = list(check_stores(load_hunt(hunt(folder, uri, output, more))))
    assert len({check.name for check in checks} | {"credentials"}) >= len(checks) - 1
    return {check.name: check for check in checks}


def test_all_is_well(guard: Guard, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    allow(guard)
    file = hunt(tmp_path, "s3://doctor-dumps/comments/", "s3://doctor-hunts/results/")
    assert main(["doctor", file]) == 0
    printed = capsys.readouterr().out
    for words in (
        f"ok       hunt                {file}: small can be read",
        "pack.yaml: 1 signature can be read",
        "ok       credentials         s3://: access key AKIATESTING from env",
        "ok       archive.list        s3://doctor-dumps/comments: the first file is s3://doctor-dumps/comments/day=1/a",
        "ok       archive.read        s3://doctor-dumps/comments/day=1/a.parquet: the end of a file of ",
        "ok       output.create       s3://doctor-hunts/results: allowed",
        "ok       output.read         s3://doctor-hunts/results: allowed",
        "ok       output.create_once  s3://doctor-hunts/results: a second writer of one name is refused",
        "ok       output.list         s3://doctor-hunts/results: allowed",
        "ok       output.delete       s3://doctor-hunts/results: allowed",
    ):
        assert words in printed
    assert "not-a-secret" not in printed
    assert storage.list_names("s3://doctor-hunts/results") == []


@pytest.mark.parametrize("missing", EVERYTHING)
def test_each_right_that_is_missing_is_named(
    guard: Guard, tmp_path: Path, capsys: pytest.CaptureFixture[str], missing: str
) -> None:
    allow(guard, without=missing)
    file = hunt(tmp_path, "s3://doctor-dumps/comments/", "s3://doctor-hunts/results/")
    code = main(["doctor", file, "--json"])
    document = json.loads(capsys.readouterr().out)
    (check,) = (each for each in document["checks"] if each["name"] == missing)
    assert EVERYTHING[missing] in check["remedy"]
    assert "not allowed (as access key AKIATESTING): the store answered 403 AccessDenied" in check["seen"]
    warned = missing == "output.delete"
    assert (check["outcome"], code, document["passed"]) == (
        ("warning", 0, True) if warned else ("failed", 2, False)
    )
    others = {each["outcome"] for each in document["checks"] if each["name"] != missing}
    assert others <= {"ok", "skipped"}


def test_a_hunt_does_without_the_right_to_delete(
    guard: Guard, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    allow(guard, without="output.delete")
    file = hunt(tmp_path, "s3://doctor-dumps/comments/", "s3://doctor-hunts/undeletable/")
    assert main(["hunt", file, "--quiet"]) == 0, capsys.readouterr().err
    assert any(call.action == "s3:DeleteObject" for call in guard.refused)
    # What was written to find out whether results can be is hidden.
    assert storage.list_names("s3://doctor-hunts/undeletable") == ["hunt=small"]


def test_whose_credentials_they_are_is_told_by_sts(
    guard: Guard, server: tuple[str, Guard], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow(guard)
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", server[0])
    guard.awake = False
    told = looked_at(tmp_path, "s3://doctor-dumps/comments/", "s3://doctor-hunts/results/")["credentials"]
    assert told.outcome == "ok"
    assert told.seen.startswith("arn:aws:sts::123456789012:")
    assert told.seen.endswith(", by access key AKIATESTING from env")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1")
    storage.configure(None)
    told = looked_at(tmp_path, "s3://doctor-dumps/comments/", "s3://doctor-hunts/results/")["credentials"]
    assert (told.outcome, "STS does not say whose" in told.seen) == ("ok", True)


def test_without_credentials_nothing_else_is_tried(
    guard: Guard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow(guard)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    checks = looked_at(tmp_path, "s3://doctor-dumps/comments/", "s3://doctor-hunts/results/")
    assert checks["credentials"].outcome == "failed"
    assert "no credentials were found; set AWS_PROFILE" in checks["credentials"].seen
    assert {check.outcome for name, check in checks.items() if name != "credentials"} == {"skipped"}
    assert guard.allowed == guard.refused == []


def test_a_bucket_that_is_not_there(guard: Guard, tmp_path: Path) -> None:
    guard.awake = False
    checks = looked_at(tmp_path, "s3://content-dumb/comments/", "s3://hunt/results/")
    for name in ("archive.list", "output.create"):
        assert (checks[name].outcome, checks[name].seen) == ("failed", "there is no such bucket")
        assert checks[name].remedy == "correct the name, or make the bucket"


@pytest.mark.usefixtures("guard")
def test_a_store_that_says_nothing_is_given_up_soon(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        more = f"storage: {{s3: {{endpoint: 'http://127.0.0.1:{silent.getsockname()[1]}'}}, timeout_s: 1}}\n"
        began = time.monotonic()
        checks = looked_at(tmp_path, "s3://doctor-dumps/comments/", "s3://doctor-hunts/results/", more)
    assert time.monotonic() - began < 2 * ATTEMPTS * TIMEOUT_S
    told = checks["archive.list"]
    assert (told.outcome, "tried 2 times" in told.seen) == ("failed", True)
    assert "check the endpoint, the network and the proxy" in told.remedy
    assert checks["output.create"].outcome == "skipped"
    assert checks["output.create"].seen == "not looked at before archive.list is ok"


def test_google(gcs: str, tmp_path: Path) -> None:
    storage.create(f"{gcs}/posts/a.parquet", parquet())
    checks = looked_at(tmp_path, f"{gcs}/posts/", f"{gcs}/results/")
    assert {check.outcome for check in checks.values()} == {"ok"}
    assert checks["credentials"].seen == "anonymous"


class Refusing(http.server.BaseHTTPRequestHandler):
    """A Google that allows nothing."""

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(403)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_POST = do_GET  # noqa: N815 - http.server's name

    def log_message(self, *_: object) -> None:
        pass


def test_google_that_allows_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with servers.served(Refusing) as endpoint:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", endpoint)
        storage.configure(None)
        checks = looked_at(tmp_path, "gs://doctor-dumps/posts/", "gs://doctor-hunts/")
    storage.configure(None)
    for name, right in {"archive.list": "list", "output.create": "create"}.items():
        assert (checks[name].outcome, "not allowed (as anonymous)" in checks[name].seen) == ("failed", True)
        assert checks[name].remedy.startswith(f"grant storage.objects.{right} on the bucket doctor-")


def test_a_store_that_overwrites_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with servers.gcs_server(enforcing=False) as endpoint:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", endpoint)
        storage.configure(None)
        storage.create(f"gs://{servers.BUCKET}/posts/a.parquet", parquet())
        checks = looked_at(tmp_path, f"gs://{servers.BUCKET}/posts/", f"gs://{servers.ANOTHER_BUCKET}/")
    storage.configure(None)
    told = checks["output.create_once"]
    assert (told.outcome, told.remedy) == ("failed", "write the results to another store")
    assert "two workers could publish one split" in told.seen


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "posts").mkdir()
    (tmp_path / "posts" / "a.parquet").write_bytes(parquet())
    (tmp_path / "locked").mkdir(mode=0o500)
    checks = looked_at(tmp_path, "posts", "locked/results")
    assert checks["archive.read"].outcome == "ok"
    assert checks["output.create"].outcome == "failed"
    assert "not allowed (as user" in checks["output.create"].seen
    assert "let this user write there" in checks["output.create"].remedy


def test_a_file_where_the_results_should_go(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    checks = looked_at(tmp_path, "nothing", "taken/results")
    assert checks["archive.list"].seen == "is not there; name a Parquet file, a folder of them, or a glob"
    told = checks["output.create"]
    assert (told.outcome, told.seen) == ("failed", "a file stands where a folder should be")


def test_hostile_names_are_tamed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    posts = tmp_path / "posts"
    posts.mkdir()
    (posts / "a\x1b]0;title\x07\u202eb.parquet").write_bytes(parquet())
    assert main(["doctor", hunt(tmp_path, "posts", "results")]) == 0
    printed = capsys.readouterr().out
    assert "posts/a␛]0;title␇\\u202eb.parquet" in printed
    assert not {"\x1b", "\x07", "\u202e"} & set(printed)
