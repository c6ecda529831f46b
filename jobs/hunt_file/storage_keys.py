"""The key ``storage`` of a hunt file: how its stores are reached, and never with what secret."""

import re
import urllib.parse
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, replace
from typing import Any, Final

from scanner.archive.storage import StorageSettings
from scanner.signatures import source

MOST_ATTEMPTS: Final = 20
LONGEST_TIMEOUT_S: Final = 3600

_SECRET: Final = re.compile(
    r"key|secret|token|password|credential|account|user|private|sign|sas", re.IGNORECASE
)
_FROM_WHERE: Final = {
    "s3": "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or use the machine's role",
    "gcs": "set GOOGLE_APPLICATION_CREDENTIALS, or use the machine's service account",
}

_Wrong = Callable[[source.Path, str], None]
_Read = Callable[[str], Any]


class _UnfitError(Exception):
    """A text does not say what its key needs; the message says what would."""


def read_storage(value: source.Value | None, default: StorageSettings, wrong: _Wrong) -> StorageSettings:
    """Reads the value of ``storage``.

    Args:
        value: As it stands in the file; None where it does not.
        default: What holds where the file says nothing.
        wrong: Is told what is wrong, and with which key.
    """
    if value is None:
        return default
    if not isinstance(value, dict):
        wrong(("storage",), "must be a map; write `s3:` or `gcs:` below it, indented")
        return default
    sections = {key: _section(key, value.get(key), readers, wrong) for key, readers in _SECTIONS.items()}
    own = {key: each for key, each in value.items() if key not in _SECTIONS}
    return replace(
        default,
        s3=replace(default.s3, **sections["s3"]),
        gcs=replace(default.gcs, **sections["gcs"]),
        **_values(("storage",), own, _PATIENCE, [*_SECTIONS, *_PATIENCE], wrong),
    )


def as_written(settings: StorageSettings, usual: StorageSettings) -> dict[str, object]:
    """Settings in the shape of a hunt file, without those that are as usual."""
    sections = {key: _unusual(getattr(settings, key), getattr(usual, key)) for key in _SECTIONS}
    patience = {name: value for name, value in _unusual(settings, usual).items() if name in _PATIENCE}
    return {**{key: values for key, values in sections.items() if values}, **patience}


def _unusual(settings: Any, usual: Any) -> dict[str, object]:
    names = (each.name for each in fields(settings))
    return {
        name: getattr(settings, name) for name in names if getattr(settings, name) != getattr(usual, name)
    }


def _section(
    key: str, value: source.Value | None, readers: Mapping[str, _Read], wrong: _Wrong
) -> dict[str, Any]:
    path = ("storage", key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        wrong(path, f"must be a map; the keys here are {_listed(readers)}")
        return {}
    return _values(path, value, readers, readers, wrong)


def _values(
    path: tuple[str, ...],
    found: Mapping[str, source.Value],
    readers: Mapping[str, _Read],
    known: Iterable[str],
    wrong: _Wrong,
) -> dict[str, Any]:
    good = {}
    for key, value in found.items():
        try:
            if key not in readers:
                raise _unknown(path[-1], key, known)
            good[key] = readers[key](value if isinstance(value, str) else "")
        except _UnfitError as error:
            wrong((*path, key), str(error))
    return good


def _unknown(section: str, key: str, known: Iterable[str]) -> _UnfitError:
    if _SECRET.search(key):
        remedy = _FROM_WHERE.get(section, "they come from each provider's own chain")
        return _UnfitError(f"secrets never stand in a hunt; {remedy}")
    return _UnfitError(f"there is no such key; the keys here are {_listed(known)}")


def _url(text: str) -> str:
    try:
        parts = urllib.parse.urlsplit(text)
        named = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        named = False
    if not named:
        message = "must be a URL such as `https://minio.example.org:9000`"
        raise _UnfitError(message)
    if any(sign in text for sign in "@?#"):
        message = "must name host and port alone; secrets never stand in a hunt"
        raise _UnfitError(message)
    return text


def _text(text: str) -> str:
    if not text:
        message = "must be one text"
        raise _UnfitError(message)
    return text


def _flag(text: str) -> bool:
    if text not in {"true", "false"}:
        message = "must be `true` or `false`"
        raise _UnfitError(message)
    return text == "true"


def _attempts(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,3}", text) or not 1 <= int(text) <= MOST_ATTEMPTS:
        message = f"must be a whole number from 1 to {MOST_ATTEMPTS}"
        raise _UnfitError(message)
    return int(text)


def _seconds(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,5}(\.[0-9]{1,3})?", text) or not 1 <= float(text) <= LONGEST_TIMEOUT_S:
        message = f"must be a number of seconds from 1 to {LONGEST_TIMEOUT_S}"
        raise _UnfitError(message)
    return float(text)


def _listed(keys: Iterable[str]) -> str:
    return ", ".join(f"`{key}`" for key in keys)


_PATIENCE: Final[dict[str, _Read]] = {"attempts": _attempts, "timeout_s": _seconds}
_SECTIONS: Final[dict[str, dict[str, _Read]]] = {
    "s3": {
        "endpoint": _url,
        "region": _text,
        "path_style": _flag,
        "anonymous": _flag,
        "requester_pays": _flag,
        "proxy": _url,
    },
    "gcs": {"endpoint": _url, "anonymous": _flag, "requester_pays": _text, "proxy": _url},
}
