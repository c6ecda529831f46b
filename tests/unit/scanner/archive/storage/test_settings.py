import io
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pyarrow.fs
import pytest
from botocore.awsrequest import AWSResponse

from scanner.archive import storage
from scanner.archive.storage import GcsSettings, S3Settings, StorageSettings, from_environment
from scanner.archive.storage.names import parse
from scanner.archive.storage.s3 import S3Objects
from scanner.errors import HuntError, SourceError
from tests.support import servers


def test_the_environment_is_read_as_the_providers_tools_and_gdal_read_it() -> None:
    assert from_environment({}) == StorageSettings()
    assert from_environment(
        {
            "AWS_ENDPOINT_URL": "http://a",
            "AWS_ENDPOINT_URL_S3": "http://b",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_NO_SIGN_REQUEST": "YES",
            "AWS_REQUEST_PAYER": "requester",
            "GS_NO_SIGN_REQUEST": "1",
            "GS_USER_PROJECT": "p",
        }
    ) == StorageSettings(
        S3Settings("http://b", "eu-west-1", anonymous=True, requester_pays=True),
        GcsSettings(anonymous=True, requester_pays="p"),
    )
    emulated = from_environment({"STORAGE_EMULATOR_HOST": "localhost:9023"})
    assert emulated.gcs == GcsSettings("http://localhost:9023", anonymous=True)


def test_who_stays_on_the_local_disk_waits_for_no_library() -> None:
    code = (
        "import sys, jobs.cli.main, scanner.archive.storage; print([n for n in sys.modules if n in WATCHED])"
    )
    watched = {"boto3", "botocore", "gcsfs", "fsspec", "aiohttp", "google.auth", "requests"}
    done = subprocess.run(
        [sys.executable, "-c", code.replace("WATCHED", repr(watched))],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


ASKS = [
    (S3Settings(), "https://s3.eu-west-1.amazonaws.com", "https://bucket.s3.eu-west-1.amazonaws.com/key"),
    (S3Settings(path_style=True), "https://s3.eu-west-1.amazonaws.com", "https://s3.eu-west-1.amazonaws.com/bucket/key"),
    (S3Settings("https://minio:9000"), "https://minio:9000", "https://minio:9000/bucket/key"),
    (S3Settings("https://x.example.org", path_style=False), "https://x.example.org", "https://bucket.x.example.org/key"),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "endpoint", "url"), ASKS)
def test_buckets_stand_in_the_path_or_in_the_host(
    settings: S3Settings, endpoint: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**servers.CREDENTIALS, "AWS_REGION": "", "AWS_DEFAULT_REGION": "eu-west-1"}.items():
        monkeypatch.setenv(name, value)
    objects = S3Objects(StorageSettings(settings))
    assert objects._client.meta.endpoint_url == endpoint

    def look(request: Any, **_: object) -> None:
        assert request.url == url
        raise ZeroDivisionError

    objects._client.meta.events.register("before-send.s3", look)
    with pytest.raises(ZeroDivisionError):
        objects.get(parse("s3://bucket/key"), 0, 1)
    objects.close()


def test_a_request_says_who_pays_and_reads_without_arrow(s3: str, s3_endpoint: str) -> None:
    storage.create(f"{s3}/a", b"0123")
    storage.configure(StorageSettings(S3Settings(s3_endpoint, requester_pays=True)))
    with storage.open_input(f"{s3}/a") as source:
        source.seek(1)
        assert source.read() == b"123"
    objects = S3Objects(storage.settings())
    assert objects.open_input(parse(f"{s3}/a")) is None
    asked: list[bytes] = []
    objects._client.meta.events.register(
        "before-send.s3", lambda request, **_: asked.append(request.headers["x-amz-request-payer"])
    )
    objects.get(parse(f"{s3}/a"), 0, 2)
    objects.page(parse(s3), None, flat=True, limit=10)
    objects.close()
    assert asked == [b"requester"] * 2


def test_without_credentials_the_remedy_is_told(
    s3: str, s3_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = S3Objects(storage.settings())
    owner._client.put_object(Bucket=servers.BUCKET, Key=parse(f"{s3}/a").key, Body=b"0123", ACL="public-read")
    owner.close()
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    storage.configure(None)
    for act in (storage.stat, storage.open_input):
        with pytest.raises(SourceError, match="no credentials were found; set AWS_PROFILE"):
            act(f"{s3}/a")
    storage.configure(StorageSettings(S3Settings(s3_endpoint, anonymous=True)))
    with storage.open_input(f"{s3}/a") as source:
        assert source.read() == b"0123"


class Nothing(io.BytesIO):
    def stream(self) -> Iterator[bytes]:
        yield b""


@pytest.mark.parametrize("status", [200, 403])
def test_the_region_of_a_bucket_is_asked_of_amazon(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in servers.CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    objects = S3Objects(from_environment())

    def answer(request: Any, **_: object) -> AWSResponse:
        return AWSResponse(request.url, status, {"x-amz-bucket-region": "eu-central-1"}, Nothing())

    objects._client.meta.events.register("before-send.s3.HeadBucket", answer)
    files = objects._arrow_for(parse("s3://far.away/key"))
    assert isinstance(files, pyarrow.fs.S3FileSystem)
    assert files.region == "eu-central-1"
    assert objects._arrow_for(parse("s3://far.away/other")) is files
    objects.close()


def test_what_the_providers_libraries_cannot_start_with_is_for_the_operator(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "none-of-mine")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere")
    storage.configure(None)
    with pytest.raises(HuntError, match=r"s3://b1: boto3 cannot be set up \(ProfileNotFound\)"):
        storage.list_files("s3://b1")
    with pytest.raises(HuntError, match="gs://b1: no credentials were found; run `gcloud auth"):
        storage.make_writable("gs://b1")
