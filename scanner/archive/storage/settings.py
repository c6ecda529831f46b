"""How stores are reached. Never with what secret: those come from each provider's own chain."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

_YES = frozenset({"1", "true", "yes", "on"})


@dataclass(frozen=True, slots=True)
class S3Settings:
    """How S3 is reached, or a store that speaks its protocol.

    Attributes:
        endpoint: URL of another server than Amazon's; None for Amazon's.
        region: Where requests are signed for; None for that of the provider's own settings. Amazon's buckets are
            asked for theirs.
        path_style: True to write buckets into the path, False into the host's name; None for the path wherever
            an endpoint is named.
        anonymous: True to sign nothing.
        requester_pays: True to accept the costs of reading.
        proxy: URL of a proxy; None for that of the environment.
    """

    endpoint: str | None = None
    region: str | None = None
    path_style: bool | None = None
    anonymous: bool = False
    requester_pays: bool = False
    proxy: str | None = None


@dataclass(frozen=True, slots=True)
class GcsSettings:
    """How Google Cloud Storage is reached.

    Attributes:
        endpoint: URL of another server than Google's; None for Google's.
        anonymous: True to send no credentials.
        requester_pays: Project that pays for reading; None for the bucket's.
        proxy: URL of a proxy; None for that of the environment.
    """

    endpoint: str | None = None
    anonymous: bool = False
    requester_pays: str | None = None
    proxy: str | None = None


@dataclass(frozen=True, slots=True)
class StorageSettings:
    """How every store is reached, and how patiently. It pickles.

    Attributes:
        s3: How S3 is reached.
        gcs: How Google Cloud Storage is reached.
        attempts: How often a request is tried that a store may answer another time; at least 1.
        timeout_s: Seconds without a sign of life after which a request has failed.
        backoff_s: Seconds of the pause before the second attempt, which each further one doubles.
    """

    s3: S3Settings = field(default_factory=S3Settings)
    gcs: GcsSettings = field(default_factory=GcsSettings)
    attempts: int = 5
    timeout_s: float = 30.0
    backoff_s: float = 0.5


def from_environment(variables: Mapping[str, str] | None = None) -> StorageSettings:
    """What the environment says, in the variables that the providers' own tools and GDAL read.

    Args:
        variables: Those of this process where None.
    """
    given = os.environ if variables is None else variables
    emulator = given.get("STORAGE_EMULATOR_HOST") or None
    if emulator is not None and "://" not in emulator:
        emulator = f"http://{emulator}"
    return StorageSettings(
        s3=S3Settings(
            endpoint=given.get("AWS_ENDPOINT_URL_S3") or given.get("AWS_ENDPOINT_URL") or None,
            region=given.get("AWS_REGION") or given.get("AWS_DEFAULT_REGION") or None,
            anonymous=given.get("AWS_NO_SIGN_REQUEST", "").lower() in _YES,
            requester_pays=given.get("AWS_REQUEST_PAYER", "").lower() == "requester",
        ),
        gcs=GcsSettings(
            endpoint=emulator,
            # Emulators know no credentials, and asking for some takes seconds where there are none.
            anonymous=emulator is not None or given.get("GS_NO_SIGN_REQUEST", "").lower() in _YES,
            requester_pays=given.get("GS_USER_PROJECT") or None,
        ),
    )
