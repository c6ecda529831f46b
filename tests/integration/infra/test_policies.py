"""The policies of `infra/policies` are enough for a hunt, and hold nothing that a hunt does not need."""

import http.server
import json
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from jobs.cli.main import main
from jobs.hunt_file.spec import load_hunt
from scanner.archive import storage
from scanner.errors import CommitConflict, CommitUnknown, HuntError, SourceError
from tests.support.iam import Call, Guard, call_of, guarded_s3, statements
from tests.support.infra import INFRA
from tests.support.servers import ANOTHER_BUCKET, BUCKET, CREDENTIALS, gcs_server

POLICIES = INFRA / "policies"
ARCHIVE = "s3://content-dumps/comments/"
RESULTS = "s3://hunts/results/"
OF_BOTH = statements(POLICIES / "aws/archive-read.json", POLICIES / "aws/results-write.json")
ROWS = 50
LARGE = bytes(20 << 20)
"""More than goes into one request."""


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, Guard]]:
    """A store with an archive in it, and beside it what the hunt has no business with."""
    with guarded_s3() as (endpoint, guard):
        client = boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id="x",
            aws_secret_access_key="x",  # noqa: S106 - the server takes any
        )
        for bucket in ("content-dumps", "hunts"):
            client.create_bucket(Bucket=bucket)
        sink = BytesIO()
        texts = ["Double your BTC today" if row % 10 == 0 else "good morning" for row in range(ROWS)]
        ids = [f"c{row}" for row in range(ROWS)]
        pq.write_table(pa.table({"comment_id": ids, "text": texts, "caption": texts}), sink)
        for key in ("comments/day=1/a.parquet", "comments/day=2/b.parquet", "messages/private.parquet"):
            client.put_object(Bucket="content-dumps", Key=key, Body=sink.getvalue())
        client.close()
        yield endpoint, guard


@pytest.fixture
def guard(server: tuple[str, Guard], monkeypatch: pytest.MonkeyPatch) -> Iterator[Guard]:
    """The guard, awake; this process reaches the store as the caller of both policies."""
    endpoint, guard = server
    for name, value in {**CREDENTIALS, "AWS_ENDPOINT_URL": endpoint}.items():
        monkeypatch.setenv(name, value)
    storage.configure(None)
    guard.statements, guard.awake = OF_BOTH, True
    guard.allowed, guard.refused, guard.used = [], [], set()
    yield guard
    guard.awake = False
    storage.configure(None)


def hunt(folder: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    """Runs the hunt of the overlay for AWS, with its example signatures."""
    given = yaml.safe_load((INFRA / "kubernetes/overlays/aws/nightly-fraud.yaml").read_text("utf-8"))
    assert given["archive"]["uri"] == ARCHIVE
    assert given["output"] == RESULTS
    given["signatures"] = [str(INFRA / "kubernetes/base/signatures")]
    file = folder / "hunt.yaml"
    file.write_text(yaml.safe_dump(given), encoding="utf-8")
    code = main(["hunt", str(file), "--executor", "inline", "--json"])
    printed = capsys.readouterr()
    assert code == 0, printed.err + printed.out[-3000:]
    record: dict[str, object] = json.loads(printed.out)
    return record


def test_a_hunt_needs_no_more(guard: Guard, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = hunt(tmp_path, capsys)
    assert record["status"] == "complete"
    assert_only_unknown_names_were_refused(guard)
    assert {each.action for each in guard.allowed} >= {"s3:ListBucket", "s3:GetObject", "s3:PutObject"}


def assert_only_unknown_names_were_refused(guard: Guard) -> None:
    """S3 refuses to say that an object is missing, and hindcast lists the object's name to learn it."""
    assert {(each.action, each.prefix) for each in guard.refused} == {
        ("s3:ListBucket", None),
        ("s3:ListBucket", "comments"),
    }


def fail_half_way(uri: str) -> None:
    with storage.open_output(uri) as sink:
        sink.write(LARGE)
        raise ZeroDivisionError


def use_everything(archive: str, results: str) -> None:
    """All that hindcast ever does to a store, as its parts do it."""
    files = [info.uri for info in storage.list_files(archive)]
    assert storage.read_bytes(files[0])
    assert not storage.exists(f"{results}run.json")
    storage.make_writable(results)
    storage.create(f"{results}run.json", b"{}")
    with pytest.raises(CommitConflict):
        storage.create(f"{results}run.json", b"{}")
    with storage.open_output(f"{results}hits/small.parquet") as sink:
        sink.write(b"small")
    with storage.open_output(f"{results}hits/large.parquet") as sink:
        sink.write(LARGE)
    with pytest.raises(ZeroDivisionError):
        fail_half_way(f"{results}hits/half.parquet")
    assert storage.list_names(f"{results}hits") == ["large.parquet", "small.parquet"]
    storage.delete(f"{results}hits/small.parquet")


def test_every_right_is_needed(guard: Guard) -> None:
    use_everything(ARCHIVE, RESULTS)
    assert_only_unknown_names_were_refused(guard)
    granted = {(each["Sid"], action) for each in OF_BOTH for action in as_list(each["Action"])}
    assert guard.used == granted


@pytest.mark.parametrize("uri", ["s3://content-dumps/messages/private.parquet", "s3://hunts/other/run.json"])
def test_the_rest_of_the_buckets_cannot_be_read(guard: Guard, uri: str) -> None:
    with pytest.raises(SourceError, match="not allowed"):
        storage.read_bytes(uri)
    assert guard.refused[0] == call_of("GET", uri.removeprefix("s3:/"), "")


@pytest.mark.parametrize(
    "uri", ["s3://content-dumps/messages/", "s3://content-dumps", "s3://hunts/other/*.parquet"]
)
def test_the_rest_of_the_buckets_cannot_be_listed(guard: Guard, uri: str) -> None:
    with pytest.raises(HuntError, match="not allowed"):
        list(storage.list_files(uri))
    assert guard.allowed == []


def test_what_is_missing_is_told_from_what_is_denied(guard: Guard) -> None:
    missing, there = "s3://hunts/results/hunt=none/run.json", "s3://content-dumps/comments/day=1/a.parquet"
    with pytest.raises(storage.Missing):
        storage.read_bytes(missing)
    with pytest.raises(storage.Missing):
        storage.stat(missing)
    guard.statements = [each for each in OF_BOTH if each["Sid"] != "ReadTheArchive"]
    for look in (storage.read_bytes, storage.stat):
        with pytest.raises(storage.Denied, match="not allowed"):
            look(there)


@pytest.mark.parametrize("folder", [ARCHIVE, "s3://hunts/other/"])
def test_nothing_but_the_results_can_be_written(guard: Guard, folder: str) -> None:
    with pytest.raises(HuntError, match="not allowed"):
        storage.make_writable(folder)
    with pytest.raises(CommitUnknown, match="not allowed"):
        storage.create(f"{folder}run.json", b"{}")
    with pytest.raises(SourceError, match="not allowed"):
        storage.delete(f"{folder}day=1/a.parquet")
    assert {each.action for each in guard.refused} == {"s3:PutObject", "s3:DeleteObject"}


def test_who_may_read_only_is_told_so_before_any_work(
    guard: Guard, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    guard.statements = statements(POLICIES / "aws/archive-read.json")
    with pytest.raises(AssertionError, match="not allowed"):
        hunt(tmp_path, capsys)


def test_the_guard_reads_requests_as_s3_does() -> None:
    bucket, key = "arn:aws:s3:::b", "arn:aws:s3:::b/k/e"
    assert call_of("GET", "/b", "list-type=2&prefix=k%2F") == Call("s3:ListBucket", bucket, "k/")
    assert call_of("GET", "/b", "list-type=2") == Call("s3:ListBucket", bucket)
    assert call_of("HEAD", "/b", "") == Call("s3:ListBucket", bucket)
    assert call_of("GET", "/b", "policy").action == "GET policy"
    assert call_of("PUT", "/b/k/e", "partNumber=1&uploadId=u") == Call("s3:PutObject", key)
    assert call_of("DELETE", "/b/k/e", "uploadId=u") == Call("s3:AbortMultipartUpload", key)
    assert call_of("DELETE", "/b/k/e", "") == Call("s3:DeleteObject", key)


def test_only_the_pods_of_the_cluster_become_the_role() -> None:
    (trust,) = json.loads((POLICIES / "aws/trust.json").read_text("utf-8"))["Statement"]
    (condition,) = trust["Condition"].values()
    issuer = trust["Principal"]["Federated"].split("oidc-provider/")[1]
    assert condition == {
        f"{issuer}:aud": "sts.amazonaws.com",
        f"{issuer}:sub": [f"system:serviceaccount:hindcast:hindcast-{each}" for each in ("head", "worker")],
    }


def as_list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def test_google_roles_hold_what_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    from gcp_storage_emulator.server import RequestHandler  # noqa: PLC0415 - seconds that only this test pays

    used: dict[str, set[str]] = {BUCKET: set(), ANOTHER_BUCKET: set()}

    def parse_request(handler: http.server.BaseHTTPRequestHandler) -> bool:
        read = http.server.BaseHTTPRequestHandler.parse_request(handler)
        bucket, permission = permission_of(handler.command, handler.path)
        used[bucket].add(permission)
        return read

    with gcs_server() as endpoint:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", endpoint)
        storage.configure(None)
        storage.create(f"gs://{BUCKET}/comments/day=1/a.parquet", b"data")
        monkeypatch.setattr(RequestHandler, "parse_request", parse_request)
        use_everything(f"gs://{BUCKET}/comments/", f"gs://{ANOTHER_BUCKET}/results/")
    storage.configure(None)
    for bucket, role in {BUCKET: "archive-reader", ANOTHER_BUCKET: "results-writer"}.items():
        given = yaml.safe_load((POLICIES / f"gcp/{role}.yaml").read_text("utf-8"))
        assert used[bucket] == set(given["includedPermissions"])


def permission_of(method: str, path: str) -> tuple[str, str]:
    """What Google asks its IAM for.

    Source: https://cloud.google.com/storage/docs/access-control/iam-json
    """
    found = re.fullmatch(
        r"(?:/upload|/download|/resumable)?/storage/v1/b/([^/]+)/o(?:/([^?]+))?(?:\?.*)?", path
    )
    assert found, path
    actions = {"POST": "create", "PUT": "create", "DELETE": "delete", "GET": "get" if found[2] else "list"}
    return found[1], f"storage.objects.{actions[method]}"


def test_oracle_statements_name_the_buckets_and_nothing_else() -> None:
    lines = (POLICIES / "oci/statements.txt").read_text("utf-8").splitlines()
    form = (
        r"Allow group hindcast to (inspect buckets|read objects|manage objects) in compartment \w+ where .+"
    )
    assert all(re.fullmatch(form, line) for line in lines)
    assert set(re.findall(r"target\.bucket\.name='([^']+)'", "".join(lines))) == {"content-dumps", "hunts"}
    (manage,) = (line for line in lines if "manage objects" in line)
    assert set(re.findall(r"request\.permission='(\w+)'", manage)) == {
        f"OBJECT_{each}" for each in ("INSPECT", "READ", "CREATE", "OVERWRITE", "DELETE")
    }


@pytest.mark.parametrize("cloud", ["aws", "oci", "gcp"])
def test_hunts_and_policies_speak_of_the_same_places(cloud: str) -> None:
    spec = load_hunt(INFRA / f"kubernetes/overlays/{cloud}/nightly-fraud.yaml")
    scheme = "gs" if cloud == "gcp" else "s3"
    assert [f"{uri}/".removeprefix(f"{scheme}:") for uri in spec.uris] == [ARCHIVE.removeprefix("s3:")]
    assert f"{spec.output}/".removeprefix(f"{scheme}:") == RESULTS.removeprefix("s3:")
