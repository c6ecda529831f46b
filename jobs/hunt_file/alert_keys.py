"""The key ``alerts`` of a hunt file: who is told when a run needs somebody."""

import ipaddress
import re
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scanner.signatures import source

_KEYS: Final = ("webhook", "file")
_WEBHOOK_KEYS: Final = ("url", "url_env", "secret_env")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")

Wrong = Callable[[source.Path, str], None]


class AddressError(ValueError):
    """This is no address that alerts may go to; the message says what would be, and does not repeat it."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where alerts are posted.

    Attributes:
        url: The address; None where it is a secret and stands in the environment.
        url_env: The variable that holds it then.
        secret_env: The variable with the key that messages are signed with; None to sign none.
    """

    url: str | None
    url_env: str | None
    secret_env: str | None


@dataclass(frozen=True, slots=True)
class Alerts:
    """Who is told.

    Attributes:
        webhook: Where alerts are posted; None for nowhere.
        file: A local file that a line is appended to; None for none.
    """

    webhook: Webhook | None = None
    file: str | None = None

    def __bool__(self) -> bool:
        return self.webhook is not None or self.file is not None


def read_alerts(value: source.Value | None, folder: Path, wrong: Wrong) -> Alerts:
    """Reads the value of ``alerts``.

    Args:
        value: As it stands in the file; None where it does not.
        folder: That of the hunt file, which relative paths begin at.
        wrong: Is told what is wrong, and with which key.
    """
    if value is None:
        return Alerts()
    if not isinstance(value, dict):
        wrong(("alerts",), "must be a map; write `webhook:` or `file:` below it, indented")
        return Alerts()
    _check_keys(("alerts",), value, _KEYS, wrong)
    return Alerts(_webhook(value.get("webhook"), wrong), _file(value.get("file"), folder, wrong))


def as_written(alerts: Alerts) -> dict[str, object]:
    """The same as keys of a hunt file; of an address only its host, because the rest may let others in."""
    written: dict[str, object] = {}
    if alerts.webhook is not None:
        parts = urllib.parse.urlsplit(alerts.webhook.url or "")
        keys = {
            "url": f"{parts.scheme}://{parts.netloc}" if alerts.webhook.url else None,
            "url_env": alerts.webhook.url_env,
            "secret_env": alerts.webhook.secret_env,
        }
        written["webhook"] = {key: text for key, text in keys.items() if text is not None}
    if alerts.file is not None:
        written["file"] = alerts.file
    return written


def checked_url(text: str) -> str:
    """The address, as it can be posted to.

    Raises:
        AddressError: It is no such address, or would send alerts in the clear.
    """
    try:
        parts = urllib.parse.urlsplit(text)
        host = parts.hostname if parts.port != 0 else None
    except ValueError:
        parts, host = urllib.parse.urlsplit(""), None
    if not host or parts.scheme not in {"http", "https"} or not (text.isascii() and text.isprintable()):
        message = "must be an address such as `https://hooks.example.org/hindcast`"
        raise AddressError(message)
    if parts.scheme == "http" and not is_loopback(host):
        message = "would send alerts in the clear; write `https://`"
        raise AddressError(message)
    if " " in text or "@" in parts.netloc or parts.fragment:
        message = "must be scheme, host and path alone; keys for it belong into `secret_env:` or `url_env:`"
        raise AddressError(message)
    return text


def _webhook(value: source.Value | None, wrong: Wrong) -> Webhook | None:
    path = ("alerts", "webhook")
    if value is None:
        return None
    if not isinstance(value, dict):
        wrong(path, "must be a map; write `url: https://hooks.example.org/hindcast` below it, indented")
        return None
    _check_keys(path, value, _WEBHOOK_KEYS, wrong)
    url_env, secret_env = (_variable(key, value, wrong) for key in ("url_env", "secret_env"))
    if ("url" in value) == ("url_env" in value):
        wrong(path, "needs an address: `url:`, or `url_env:` with the variable that holds it; one of the two")
    return Webhook(_url(value.get("url"), wrong), url_env, secret_env)


def _url(value: source.Value | None, wrong: Wrong) -> str | None:
    path = ("alerts", "webhook", "url")
    if value is None:
        return None
    try:
        url = checked_url(value if isinstance(value, str) else "")
    except AddressError as error:
        wrong(path, str(error))
        return None
    if "?" in url:
        wrong(
            path,
            "holds a query, which often is a secret; name a variable that holds the address in `url_env:`",
        )
        return None
    return url


def _variable(key: str, within: Mapping[str, source.Value], wrong: Wrong) -> str | None:
    value = within.get(key)
    if value is None:
        return None
    if isinstance(value, str) and _VARIABLE.fullmatch(value):
        return value
    wrong(
        ("alerts", "webhook", key),
        "must be the name of an environment variable, such as `HINDCAST_WEBHOOK`; secrets never stand in a hunt",
    )
    return None


def _file(value: source.Value | None, folder: Path, wrong: Wrong) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not value or "://" in value:
        wrong(("alerts", "file"), "must be a path on this machine, such as `alerts.jsonl`")
        return None
    return str((folder / value).absolute())


def _check_keys(path: source.Path, found: Mapping[str, object], known: tuple[str, ...], wrong: Wrong) -> None:
    for key in found:
        if key not in known:
            listed = ", ".join(f"`{name}`" for name in known)
            secret = "; secrets never stand in a hunt" if re.search("secret|key|token", key) else ""
            wrong((*path, key), f"there is no such key{secret}; the keys here are {listed}")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
