"""What a hunt may do where its archive lies and where its results go, found out by doing it."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace

from jobs.doctor.check import Check, is_away, is_denied, is_missing, is_no_folder, told
from jobs.hunt_file.spec import HuntSpec
from scanner.archive import storage
from scanner.archive.formats import endings_of
from scanner.archive.formats.tables import TABLES, open_table
from scanner.archive.storage import FileInfo
from scanner.archive.storage.names import parse
from scanner.errors import CommitConflict, HindcastError

ATTEMPTS = 2
TIMEOUT_S = 5.0
"""How patiently stores are asked: a person waits for the answer."""

MOST_URIS = 10
_TAIL_BYTES = 8

_RIGHTS = {
    "s3": {
        "list": "s3:ListBucket",
        "read": "s3:GetObject",
        "create": "s3:PutObject",
        "delete": "s3:DeleteObject",
    },
    "gs": {right: f"storage.objects.{right}" for right in ("list", "create", "delete")}
    | {"read": "storage.objects.get"},
}
"""What a store calls the right to do something, by the scheme of its URIs."""

_AWAY = "check the endpoint, the network and the proxy (`storage` in the hunt, AWS_ENDPOINT_URL, HTTPS_PROXY)"
_OVERWRITTEN = (
    "this store overwrites objects that were to be new, so two workers could publish one split; "
    "write the results to another store"
)


def check_stores(spec: HuntSpec) -> Iterator[Check]:
    """Lists and reads a little of the archive, and writes and removes an empty file in the output.

    Args:
        spec: The hunt. From here on this process reaches stores as it says, and less patiently.
    """
    attempts, timeout_s = min(ATTEMPTS, spec.storage.attempts), min(TIMEOUT_S, spec.storage.timeout_s)
    storage.configure(replace(spec.storage, attempts=attempts, timeout_s=timeout_s))
    uris = [*spec.uris, *([spec.manifest] if spec.manifest else [])]
    # What else is asked of a store that does not know us, or does not answer, would only take long.
    closed: dict[str, str] = {}
    first_of = {parse(uri).scheme: uri for uri in (spec.output, *reversed(uris))}
    looks = [
        *((uri, "credentials", _credentials(uri)) for uri in first_of.values()),
        *((uri, "archive.list", _archive(spec, uri)) for uri in uris[:MOST_URIS]),
        (spec.output, "output.create", _output(spec.output)),
    ]
    for uri, name, checks in looks:
        scheme = parse(uri).scheme
        for check in [_after(name, uri, closed[scheme])] if scheme in closed else checks:
            yield check
            if check.outcome == "failed" and (name == "credentials" or check.remedy == _AWAY):
                closed[scheme] = check.name
    if len(uris) > MOST_URIS:
        yield Check("archive.list", "skipped", f"{len(uris) - MOST_URIS} more that the hunt names")


def _credentials(uri: str) -> Iterator[Check]:
    place = parse(uri)
    subject = "the local disk" if place.scheme == "file" else f"{place.scheme}://"
    try:
        yield Check("credentials", "ok", storage.identity(uri), subject=subject)
    except HindcastError as error:
        remedy = (
            _AWAY if is_away(error) else "log in again, or name other credentials" if is_denied(error) else ""
        )
        yield Check("credentials", "failed", told(error), remedy, subject)


def _archive(spec: HuntSpec, uri: str) -> Iterator[Check]:
    """Whether an archive can be listed, and its first file be read."""
    try:
        first = _first(spec, uri)
    except HindcastError as error:
        yield Check("archive.list", "failed", told(error), _remedy("list", uri, error), uri)
        yield _after("archive.read", uri, "archive.list")
        return
    yield Check("archive.list", "ok", f"the first file is {first.uri}", subject=uri)
    try:
        storage.read_range(first.uri, max(0, first.size_bytes - _TAIL_BYTES), _TAIL_BYTES, first.etag)
    except HindcastError as error:
        yield Check("archive.read", "failed", told(error), _remedy("read", first.uri, error), first.uri)
    else:
        yield Check("archive.read", "ok", f"the end of a file of {first.size_bytes} bytes", subject=first.uri)


def _first(spec: HuntSpec, uri: str) -> FileInfo:
    if uri == spec.manifest:
        return next(iter(storage.list_manifest(uri)))
    if spec.format in TABLES:
        return min(open_table(uri, spec.format, spec.at).files)
    return next(iter(storage.list_files(uri, endings_of(spec.format))))


def _output(uri: str) -> Iterator[Check]:
    """Whether results can be published in a folder, be told apart, be found again and be removed."""
    probe = f"{uri.rstrip('/')}/.hindcast-doctor-{secrets.token_hex(8)}"
    created = _tried("create", "output.create", uri, lambda: storage.create(probe, b""))
    yield created
    if created.outcome != "ok":
        yield from (
            _after(f"output.{each}", uri, "output.create")
            for each in ("read", "create_once", "list", "delete")
        )
        return
    read = _tried("read", "output.read", uri, lambda: storage.read_bytes(probe))
    yield read
    yield (
        _created_once(uri, probe)
        if read.outcome == "ok"
        else _after("output.create_once", uri, "output.read")
    )
    yield _tried("list", "output.list", uri, lambda: storage.list_names(uri))
    deleted = _tried("delete", "output.delete", uri, lambda: storage.delete(probe))
    if deleted.outcome == "failed":
        stays = f"{deleted.seen}; what killed attempts leave stays there, and so does {probe}"
        deleted = replace(deleted, outcome="warning", seen=stays)
    yield deleted


def _created_once(uri: str, probe: str) -> Check:
    """A second writer has to lose."""
    try:
        storage.create(probe, b"")
    except CommitConflict:
        return Check("output.create_once", "ok", "a second writer of one name is refused", subject=uri)
    except HindcastError as error:
        return Check("output.create_once", "failed", told(error), _remedy("create", uri, error), uri)
    seen, _, remedy = _OVERWRITTEN.rpartition("; ")
    return Check("output.create_once", "failed", seen, remedy, uri)


def _tried(right: str, name: str, uri: str, operation: Callable[[], object]) -> Check:
    try:
        operation()
    except HindcastError as error:
        return Check(name, "failed", told(error), _remedy(right, uri, error), uri)
    return Check(name, "ok", "allowed", subject=uri)


def _after(name: str, uri: str, other: str) -> Check:
    return Check(name, "skipped", f"not looked at before {other} is ok", subject=uri)


def _remedy(right: str, uri: str, error: HindcastError) -> str:
    if is_away(error):
        return _AWAY
    if is_no_folder(error):
        return "name a folder"
    if is_missing(error):
        return (
            "correct the name, or make the bucket"
            if right in {"create", "list"}
            else "look again: it was there"
        )
    if not is_denied(error):
        return ""
    place = parse(uri)
    if place.scheme == "file":
        return (
            f"let this user {'read' if right in {'list', 'read'} else 'write'} there (its owner, or `chmod`)"
        )
    return _grant(place.scheme, _RIGHTS[place.scheme][right], place.bucket, place.key)


def _grant(scheme: str, right: str, bucket: str, key: str) -> str:
    if scheme == "gs":
        return f"grant {right} on the bucket {bucket} (infra/policies/gcp)"
    below = f"{key}/*" if key else "*"
    if right == "s3:ListBucket":
        return f"allow {right} on arn:aws:s3:::{bucket} for the prefix {below} (infra/policies/aws)"
    if right == "s3:GetObject":
        of_key = "and kms:Decrypt where a key of yours encrypts it"
        return f"allow {right} on arn:aws:s3:::{bucket}/{key}, {of_key} (infra/policies/aws)"
    return f"allow {right} on arn:aws:s3:::{bucket}/{below} (infra/policies/aws)"
