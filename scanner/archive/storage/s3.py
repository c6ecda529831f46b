"""S3 and stores that speak its protocol. The only module that imports boto3 and botocore."""

import contextlib
import os
import re
import threading
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any, Final

import boto3.session
import pyarrow as pa
import pyarrow.fs
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    PartialCredentialsError,
    ResponseStreamingError,
    SSLError,
)
from botocore.exceptions import ConnectionError as BotoConnectionError

from scanner.archive.storage.multipart import Multipart
from scanner.archive.storage.names import Place, Scheme
from scanner.archive.storage.objects import Entry, Page, Taken
from scanner.archive.storage.patience import Transient, tried
from scanner.archive.storage.settings import StorageSettings
from scanner.archive.storage.store import Changed, Denied, Missing, Signing
from scanner.archive.storage.transfer import Upload
from scanner.errors import SourceError

_AMAZON: Final = (".amazonaws.com", ".amazonaws.com.cn")
_ETAG: Final = re.compile(r"[!#-~]{1,200}")
_CODE: Final = re.compile(r"[A-Za-z0-9._-]{1,60}")
_BUSY: Final = frozenset(
    {
        "ConditionalRequestConflict",  # somebody else writes the same name now; the next attempt learns who won
        "InternalError",
        "OperationAborted",
        "RequestLimitExceeded",
        "RequestTimeout",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
    }
)
_BUSY_STATUS: Final = frozenset({408, 409, 429})
_SERVER_ERROR: Final = 500
_OUTCOMES: Final[dict[str, tuple[Callable[[str, str], SourceError], str]]] = {
    "NoSuchBucket": (Missing, "there is no such bucket"),
    "404": (Missing, "is not there"),
    "412": (Taken, "exists already"),
    "InvalidObjectState": (SourceError, "lies in an archive tier of the store; restore it first"),
}
_REFUSAL_STATUS: Final = frozenset({401, 403})
_REFUSALS: Final = frozenset(
    {
        "AccessDenied",
        "AllAccessDisabled",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidAccessKeyId",
        "InvalidToken",
        "SignatureDoesNotMatch",
        "TokenRefreshRequired",
    }
)
_BROKEN: Final = (BotoConnectionError, HTTPClientError, IncompleteReadError, ResponseStreamingError)
_WITHOUT_CREDENTIALS: Final = (CredentialRetrievalError, NoCredentialsError, PartialCredentialsError)
_MOST_ARROWS: Final = 16
_WRITER: Final = "hindcast-writer"
_ARROW_SAYS: Final = re.compile(
    r"AWS Error (?P<code>[A-Z_]{1,60})(?: \(HTTP status (?P<status>\d{3})\))? during"
    r"(?:.*?(?P<curl>curlCode: \d+, [A-Za-z ]{1,80})|.*?ExceptionName: (?P<exception>\w{1,60}))?",
    re.DOTALL,
)


class S3Objects:
    """Objects by boto3, read through Arrow's own S3 where that can name them.

    Args:
        settings: How S3 is reached.

    Raises:
        SourceError: The environment or the files of the provider's tools are wrong.
    """

    scheme: Scheme = "s3"

    def __init__(self, settings: StorageSettings) -> None:
        self._settings = settings
        given = settings.s3
        try:
            self._session = boto3.session.Session(region_name=given.region)
            self._client = self._session.client(
                "s3",
                region_name=given.region or self._session.region_name or "us-east-1",
                endpoint_url=given.endpoint,
                config=self._config(),
            )
        except (BotoCoreError, ValueError) as error:
            message = f"boto3 cannot be set up ({type(error).__name__}); look at AWS_PROFILE and ~/.aws"
            raise SourceError(given.endpoint or "S3", message) from error
        self._payer = {"RequestPayer": "requester"} if given.requester_pays else {}
        self._lock = threading.Lock()
        self._regions: dict[str, str] = {}
        self._arrow: dict[tuple[str, ...], pyarrow.fs.FileSystem] = {}

    def page(self, place: Place, next_page: str | None, *, flat: bool, limit: int) -> Page:
        """One request."""
        more = {"ContinuationToken": next_page} if next_page else {}
        stop = {} if flat else {"Delimiter": "/"}
        with self._translated(place):
            answer = self._client.list_objects_v2(
                Bucket=place.bucket, Prefix=place.key, MaxKeys=limit, **more, **stop, **self._payer
            )
        next_page = answer.get("NextContinuationToken")
        if answer.get("IsTruncated") and not next_page:
            raise SourceError(
                str(place), "the store cut its listing off; it does not know how to go on with one"
            )
        entries = (Entry(each["Key"], each["Size"], _etag(each)) for each in answer.get("Contents", ()))
        folders = (each["Prefix"] for each in answer.get("CommonPrefixes", ()))
        return Page(tuple(entries), tuple(folders), next_page)

    def head(self, place: Place) -> Entry:
        """One request; one more to learn why it was refused, because an answer to this one has no body."""
        try:
            with self._translated(place):
                answer = self._client.head_object(Bucket=place.bucket, Key=place.key, **self._payer)
        except (Missing, Transient):
            raise
        except SourceError:
            self.get(place, 0, 1)
            raise
        writer = answer.get("Metadata", {}).get(_WRITER, "")
        return Entry(place.key, answer["ContentLength"], _etag(answer), writer)

    def get(self, place: Place, start: int, length: int | None, etag: str | None = None) -> bytes:
        """One request."""
        if length == 0:
            return b""
        some = {} if length is None else {"Range": f"bytes={start}-{start + length - 1}"}
        same = {"IfMatch": f'"{etag}"'} if etag and _ETAG.fullmatch(etag) else {}
        with self._translated(place):
            try:
                answer = self._client.get_object(
                    Bucket=place.bucket, Key=place.key, **some, **same, **self._payer
                )
            except ClientError as error:
                code = error.response["Error"].get("Code")
                if code in {"PreconditionFailed", "412"}:
                    raise Changed(str(place)) from error
                if code == "InvalidRange":
                    return b""
                raise
            with contextlib.closing(answer["Body"]) as body:
                # Not every store that speaks the protocol knows conditions on reads.
                if etag not in {None, _etag(answer)}:
                    raise Changed(str(place))
                data: bytes = body.read()
        return data

    def put(self, place: Place, data: bytes) -> None:
        """One request."""
        with self._translated(place):
            self._client.put_object(Bucket=place.bucket, Key=place.key, Body=data, **self._payer)

    def put_new(self, place: Place, data: bytes, writer: str) -> None:
        """One request."""
        with self._translated(place):
            self._client.put_object(
                Bucket=place.bucket,
                Key=place.key,
                Body=data,
                IfNoneMatch="*",
                Metadata={_WRITER: writer},
                **self._payer,
            )

    def upload(self, place: Place) -> Upload:
        """A multipart upload."""
        return Multipart(self._client, place, self._settings, self._payer, self._translated)

    def delete(self, place: Place) -> None:
        """One request."""
        with self._translated(place):
            self._client.delete_object(Bucket=place.bucket, Key=place.key, **self._payer)

    def open_input(self, place: Place) -> pa.NativeFile | None:
        """Arrow's own reader: it reads ahead without Python's lock."""
        files = self._arrow_for(place)
        if files is None:
            return None
        try:
            return files.open_input_file(f"{place.bucket}/{place.key}")
        except OSError as error:
            # Arrow's words name neither the identity nor always the reason; boto3's answer does.
            tried(lambda: self.head(place), self._settings)
            raise SourceError(str(place), self.explain(error) or "cannot be read") from error

    def explain(self, error: OSError) -> str | None:
        """Arrow's words name nobody, and hold what the store wrote."""
        said = _ARROW_SAYS.search(str(error))
        if said is None:
            return None
        code = said["exception"] or said["code"]
        if said["curl"]:
            return f"the connection failed ({said['curl']})"
        if code in _REFUSALS or code == "ACCESS_DENIED" or said["status"] in {"401", "403"}:
            return f"not allowed (as {self._identity()}): the store answered {code}"
        return f"the store answered {code}"

    def identity(self, place: Place) -> str:
        """One request to Amazon's STS, or to one that the environment names; other stores know none."""
        if self._settings.s3.anonymous:
            return "anonymous"
        with self._translated(place):
            found = self._session.get_credentials()
            if found is None:
                raise NoCredentialsError
            told = f"access key {found.access_key} from {found.method}"
            try:
                return f"{arn}, by {told}" if (arn := self._arn()) else told
            except _BROKEN as error:
                return f"{told}; STS does not say whose ({type(error).__name__})"

    def signing(self, place: Place) -> Signing | None:
        """With the credentials of boto3's chain."""
        with self._translated(place):
            return Signing(self._region_of(place.bucket), self._secret())

    def close(self) -> None:
        """Closes boto3's connections; Arrow closes its own."""
        self._client.close()

    def _config(self) -> Config:
        given = self._settings.s3
        custom = given.endpoint is not None and not _is_amazon(given.endpoint)
        style = {True: "path", False: "virtual", None: "path" if custom else "auto"}[given.path_style]
        proxies = {"http": given.proxy, "https": given.proxy} if given.proxy else None
        # Other stores do not all know the checksums that Amazon's SDKs began to send in 2025.
        sums = "when_required" if custom else "when_supported"
        return Config(
            signature_version=UNSIGNED if given.anonymous else None,
            connect_timeout=min(10.0, self._settings.timeout_s),
            read_timeout=self._settings.timeout_s,
            retries={"total_max_attempts": 1},
            max_pool_connections=64,
            proxies=proxies,
            s3={"addressing_style": style},
            request_checksum_calculation=sums,
            response_checksum_validation=sums,
        )

    def _arrow_for(self, place: Place) -> pyarrow.fs.FileSystem | None:
        """None where Arrow cannot do it: it has no requester-pays, and reads ``a//b`` and ``a/../b`` as paths."""
        endpoint = urllib.parse.urlsplit(self._client.meta.endpoint_url)
        odd = any(part in {"", ".", ".."} for part in place.key.split("/"))
        if odd or self._payer or endpoint.path not in {"", "/"}:
            return None
        with self._translated(place):
            region = self._region_of(place.bucket)
            secret = self._secret()
        key = (region, *secret, str("." in place.bucket))
        with self._lock:
            if key not in self._arrow:
                if len(self._arrow) >= _MOST_ARROWS:
                    self._arrow.clear()  # of credentials that were renewed since
                self._arrow[key] = self._make_arrow(place.bucket, region, secret)
            return self._arrow[key]

    def _make_arrow(self, bucket: str, region: str, secret: tuple[str, ...]) -> pyarrow.fs.FileSystem:
        given = self._settings.s3
        endpoint = urllib.parse.urlsplit(self._client.meta.endpoint_url)
        amazon = _is_amazon(endpoint.geturl())
        paths = given.path_style if given.path_style is not None else not amazon or "." in bucket
        host = endpoint.netloc
        if amazon and given.endpoint is None:
            host = host.replace(str(self._client.meta.region_name), region)
        signed: dict[str, Any] = {"anonymous": True}
        if secret:
            signed = dict(zip(("access_key", "secret_key", "session_token"), secret, strict=False))
        trusted: dict[str, Any] = {"tls_ca_file_path": os.environ.get("AWS_CA_BUNDLE") or None}
        return pyarrow.fs.S3FileSystem(
            **signed,
            **trusted,
            region=region,
            scheme=endpoint.scheme,
            endpoint_override=None if amazon and not paths and given.endpoint is None else host,
            force_virtual_addressing=not paths,
            proxy_options=given.proxy or _environment_proxy(endpoint.scheme, host),
            connect_timeout=min(10.0, self._settings.timeout_s),
            request_timeout=self._settings.timeout_s,
            retry_strategy=pyarrow.fs.AwsStandardS3RetryStrategy(max_attempts=self._settings.attempts),
        )

    def _region_of(self, bucket: str) -> str:
        """Buckets of Amazon's are each in one region; boto3 finds it by itself, Arrow must be told."""
        if not _is_amazon(self._client.meta.endpoint_url):
            return str(self._client.meta.region_name)
        if bucket not in self._regions:
            try:
                headers = self._client.head_bucket(Bucket=bucket)["ResponseMetadata"]["HTTPHeaders"]
            except ClientError as error:
                # Whoever may read a bucket need not be allowed to ask about it; a refusal names its region too.
                headers = error.response["ResponseMetadata"]["HTTPHeaders"]
            self._regions[bucket] = headers.get("x-amz-bucket-region") or self._client.meta.region_name
        return self._regions[bucket]

    def _secret(self) -> tuple[str, ...]:
        """Those of boto3's chain, as they are now: those of roles are renewed every hour."""
        if self._settings.s3.anonymous:
            return ()
        found = self._session.get_credentials()
        if found is None:
            raise NoCredentialsError
        frozen = found.get_frozen_credentials()
        secret = (frozen.access_key, frozen.secret_key, *([frozen.token] if frozen.token else []))
        return tuple(map(str, secret))

    def _arn(self) -> str | None:
        if not (_is_amazon(self._client.meta.endpoint_url) or os.environ.get("AWS_ENDPOINT_URL_STS")):
            return None
        region = self._client.meta.region_name
        with contextlib.closing(
            self._session.client("sts", region_name=region, config=self._config())
        ) as sts:
            return str(sts.get_caller_identity()["Arn"])

    def _identity(self) -> str:
        if self._settings.s3.anonymous:
            return "anonymous"
        found = self._session.get_credentials()
        return f"access key {found.access_key}" if found else "nobody"

    @contextlib.contextmanager
    def _translated(self, place: Place) -> Iterator[None]:
        uri = str(place)
        try:
            yield
        except ClientError as error:
            raise self._of_answer(uri, error) from error
        except _WITHOUT_CREDENTIALS as error:
            message = (
                "no credentials were found; set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            )
            raise SourceError(uri, f"{message}, or read anonymously") from error
        except SSLError as error:
            raise SourceError(uri, "the server's certificate is not trusted") from error
        except _BROKEN as error:
            raise Transient(uri, f"the connection failed ({type(error).__name__})") from error
        except BotoCoreError as error:
            raise SourceError(uri, f"the request could not be made ({type(error).__name__})") from error

    def _of_answer(self, uri: str, error: ClientError) -> SourceError:
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        code = str(error.response.get("Error", {}).get("Code", ""))
        told = f"{status} {code}" if _CODE.fullmatch(code) and code != str(status) else str(status)
        said = f"the store answered {told}"
        if code in _OUTCOMES or str(status) in _OUTCOMES:
            kind, reason = _OUTCOMES.get(code) or _OUTCOMES[str(status)]
            return kind(uri, reason)
        if code in _BUSY or status in _BUSY_STATUS or status >= _SERVER_ERROR:
            return Transient(uri, said)
        if code in _REFUSALS or status in _REFUSAL_STATUS:
            return Denied(uri, f"not allowed (as {self._identity()}): {said}")
        return SourceError(uri, f"{said} (to {self._identity()})")


def _etag(answer: Any) -> str:
    # Not every store that speaks the protocol has one.
    return str(answer.get("ETag") or answer.get("LastModified", "")).strip('"')


def _is_amazon(url: str) -> bool:
    return (urllib.parse.urlsplit(url).hostname or "").endswith(_AMAZON)


def _environment_proxy(scheme: str, host: str) -> str | None:
    """The proxy that boto3 takes by itself and Arrow does not."""
    if urllib.request.proxy_bypass(host.partition(":")[0]):
        return None
    return urllib.request.getproxies().get(scheme)
