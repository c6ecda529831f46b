"""Which cluster is meant, and what it takes to talk to it: an address, headers, a token, certificates.

Secrets stand in no file of ours: a context names the environment variable or the file that holds one.
"""

import ipaddress
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from scanner.errors import HuntError, Problem
from scanner.signatures import source

CONFIG_VARIABLE = "HINDCAST_CONFIG"
CA_VARIABLE = "HINDCAST_CA_BUNDLE"
# Source: https://docs.ray.io/en/latest/cluster/running-applications/job-submission/cli.html
ADDRESS_VARIABLE = "RAY_API_SERVER_ADDRESS"
HEADERS_VARIABLE = "RAY_JOB_HEADERS"
# Source: https://docs.ray.io/en/latest/ray-security/token-auth.html
AUTH_MODE_VARIABLE = "RAY_AUTH_MODE"
TOKEN_VARIABLE = "RAY_AUTH_TOKEN"  # noqa: S105 - the name of a variable
TOKEN_FILE_VARIABLE = "RAY_AUTH_TOKEN_PATH"  # noqa: S105 - the name of a variable
DEFAULT_TOKEN_FILE = Path(".ray") / "auth_token"

MAX_FILE_BYTES = 1_000_000

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_HEADER_VALUE = re.compile(r"[\x20-\x7e]{1,8000}")
_KEYS = ("address", "token", "headers", "ca")
_REFERENCE = "write `{env: NAME}` or `{file: PATH}`; a secret does not stand in this file"


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster's head, and how to reach it.

    Attributes:
        address: ``http://`` or ``https://``, host, port and what stands before the paths of its API; no slash at
            the end.
        option: What a user writes to mean it again, such as ``--context prod``.
        headers: Sent with every request.
        token_source: Where the token among the headers comes from; empty where there is none.
        ca_file: Certificates to trust; None for those of the system.
    """

    address: str
    option: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    token_source: str = ""
    ca_file: str | None = None

    @property
    def host(self) -> str:
        """Name or number of the head."""
        return urlsplit(self.address).hostname or ""

    @property
    def tells_secrets(self) -> bool:
        """True where headers or a token would cross a network that others can read."""
        return self.address.startswith("http://") and bool(self.headers) and not self.is_here

    @property
    def is_here(self) -> bool:
        """True where the address is one of this machine, as when a port is forwarded."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def find_cluster(address: str | None, context: str | None, environ: Mapping[str, str]) -> Cluster:
    """The cluster that is meant: by address, by the name of a context, or as the current context.

    Args:
        address: What stands after ``--address``.
        context: What stands after ``--context``.
        environ: The variables of this process.

    Raises:
        HuntError: None is named, or what is named is wrong.
    """
    if address is not None and context is not None:
        message = "`--address` and `--context` name a cluster each; leave one out"
        raise _wrong(address, message)
    if address is None and context is None:
        address = environ.get(ADDRESS_VARIABLE) or None
    if address is not None:
        return _at(address, f"--address {address}", environ)
    return _of_context(context, environ)


def _at(
    address: str,
    option: str,
    environ: Mapping[str, str],
    *,
    headers: Mapping[str, str] | None = None,
    token: tuple[str, str] | None = None,
    ca_file: str | None = None,
) -> Cluster:
    sent = {**_headers_of_environment(environ), **(headers or {})}
    token = token or _token_of_environment(environ)
    if token and not any(name.lower() == "authorization" for name in sent):
        sent["Authorization"] = f"Bearer {token[0]}"
    for name, value in sent.items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            raise _wrong(option, f"the header {name!a} holds characters that no header may have")
    ca_file = ca_file or environ.get(CA_VARIABLE) or None
    if ca_file and not Path(ca_file).is_file():
        raise _wrong(ca_file, "there is no such file of certificates")
    return Cluster(checked_address(address), option, sent, token[1] if token else "", ca_file)


def checked_address(address: str) -> str:
    """The address of a head's dashboard, spelled in one way.

    Raises:
        HuntError: It cannot be one.
    """
    example = "write the one of the head's dashboard, such as https://head:8265"
    try:
        parts = urlsplit(address if "://" in address else f"http://{address}")
        port = parts.port
    except ValueError:
        raise _wrong(address, f"is no address; {example}") from None
    if "@" in parts.netloc:
        # Printed, the address would tell its secret.
        message = "holds a name or a password; leave them out, and use a token or headers"
        raise _wrong(parts.netloc.rpartition("@")[2], message)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise _wrong(address, f"is no address of a head; {example}")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path.rstrip('/')}"


def _headers_of_environment(environ: Mapping[str, str]) -> dict[str, str]:
    written = environ.get(HEADERS_VARIABLE)
    if not written:
        return {}
    try:
        headers = json.loads(written)
    except ValueError:
        headers = None
    if not isinstance(headers, dict) or not all(isinstance(value, str) for value in headers.values()):
        raise _wrong(HEADERS_VARIABLE, """is not read; write JSON such as {"Name": "value"}""")
    return headers


def _token_of_environment(environ: Mapping[str, str]) -> tuple[str, str] | None:
    """The token that Ray's own client would send, and where it stands."""
    if environ.get(AUTH_MODE_VARIABLE, "").lower() == "disabled":
        return None
    if token := environ.get(TOKEN_VARIABLE, "").strip():
        return token, TOKEN_VARIABLE
    if named := environ.get(TOKEN_FILE_VARIABLE):
        return _secret_in(Path(named).expanduser(), f"{TOKEN_FILE_VARIABLE} names it"), named
    usual = Path(environ.get("HOME") or Path.home()) / DEFAULT_TOKEN_FILE
    return (_secret_in(usual, "it is Ray's own"), str(usual)) if usual.is_file() else None


def _secret_in(path: Path, why: str) -> str:
    try:
        with path.open("rb") as stream:
            secret = stream.read(MAX_FILE_BYTES).decode("ascii").strip()
    except OSError as error:
        reason = (error.strerror or "it is no file").lower()
        raise _wrong(str(path), f"the secret here cannot be read ({why}): {reason}") from error
    except UnicodeDecodeError:
        secret = ""
    if not secret:
        raise _wrong(str(path), f"holds no secret in ASCII ({why})")
    return secret


def _of_context(name: str | None, environ: Mapping[str, str]) -> Cluster:
    file = _config_file(environ)
    reader = _Reader(file, environ)
    contexts = reader.contexts()
    chosen = name or reader.current()
    if not chosen:
        message = "no cluster is named; add `--address https://HEAD:8265` or `--context NAME`"
        raise _wrong(str(file), message)
    if chosen not in contexts:
        known = f"those of {file} are {', '.join(contexts)}" if contexts else f"there is none in {file}"
        raise _wrong(chosen, f"there is no such context; {known}")
    return reader.cluster(chosen, f"--context {chosen}")


def _config_file(environ: Mapping[str, str]) -> Path:
    if named := environ.get(CONFIG_VARIABLE):
        return Path(named).expanduser()
    home = Path(environ.get("HOME") or Path.home())
    return Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "hindcast" / "contexts.yaml"


class _Reader:
    """The file of contexts."""

    def __init__(self, file: Path, environ: Mapping[str, str]) -> None:
        self._file = file
        self._environ = environ
        self._document = _read(file)
        value = self._document.value
        if value is not None and not isinstance(value, dict):
            raise self._wrong((), "is no file of contexts; write `contexts:` and below it a map of them")
        for finding in self._document.findings:
            raise HuntError((Problem(str(file), finding.line, "", finding.message),))
        self._top: dict[str, source.Value] = value or {}
        self._refuse_others((), self._top, ("current", "contexts"))

    def current(self) -> str:
        """The context that is meant where none is named; empty where there is none."""
        value = self._top.get("current", "")
        return value if isinstance(value, str) else ""

    def contexts(self) -> dict[str, source.Value]:
        """Every context, as written."""
        value = self._top.get("contexts", {})
        if not isinstance(value, dict):
            raise self._wrong(("contexts",), "must be a map; write `NAME:` and below it `address: ...`")
        return value

    def cluster(self, name: str, option: str) -> Cluster:
        """One context with its secrets."""
        path: source.Path = ("contexts", name)
        value = self.contexts()[name]
        if not isinstance(value, dict):
            raise self._wrong(path, "must be a map; write `address: ...` below it")
        self._refuse_others(path, value, _KEYS)
        address = value.get("address")
        if not isinstance(address, str):
            raise self._wrong((*path, "address"), "is missing; write `address: https://head:8265`")
        ca = value.get("ca")
        if ca is not None and not isinstance(ca, str):
            raise self._wrong((*path, "ca"), "must be the path of a file of certificates")
        return _at(
            address,
            option,
            self._environ,
            headers=dict(self._headers((*path, "headers"), value.get("headers", {}))),
            token=self._secret((*path, "token"), value["token"]) if "token" in value else None,
            ca_file=str(self._beside(ca)) if ca else None,
        )

    def _headers(self, path: source.Path, value: source.Value) -> Iterator[tuple[str, str]]:
        if not isinstance(value, dict):
            raise self._wrong(path, "must be a map; write `Name: {env: VARIABLE}` below it")
        for name, reference in value.items():
            yield name, self._secret((*path, name), reference)[0]

    def _secret(self, path: source.Path, value: source.Value) -> tuple[str, str]:
        """What a reference leads to, and where that is."""
        match value if isinstance(value, dict) else {}:
            case {"env": str(variable), **rest} if not rest:
                secret = self._environ.get(variable, "").strip()
                if not secret:
                    raise self._wrong(path, f"the variable {variable} is not set or empty; set it")
                return secret, variable
            case {"file": str(name), **rest} if not rest:
                return _secret_in(self._beside(name), f"{self._file} names it"), name
        raise self._wrong(path, _REFERENCE)

    def _beside(self, name: str) -> Path:
        return self._file.parent / Path(name).expanduser()

    def _refuse_others(self, path: source.Path, found: Mapping[str, object], known: tuple[str, ...]) -> None:
        for key in found:
            if key not in known:
                listed = ", ".join(f"`{key}`" for key in known)
                raise self._wrong((*path, key), f"there is no such key; the keys here are {listed}")

    def _wrong(self, path: source.Path, message: str) -> HuntError:
        line = self._document.mark(path).line if path else 0
        subject = ".".join(str(part) for part in path)
        return HuntError((Problem(str(self._file), line, subject, message),))


def _read(file: Path) -> source.Document:
    try:
        with file.open("rb") as stream:
            return source.read_document(stream.read(MAX_FILE_BYTES).decode("utf-8-sig"))
    except FileNotFoundError:
        return source.Document(None)
    except OSError as error:
        raise _wrong(str(file), f"cannot be read: {(error.strerror or str(error)).lower()}") from error
    except UnicodeDecodeError as error:
        raise _wrong(str(file), "is not UTF-8 text; save it as UTF-8") from error
    except source.UnreadableError as error:
        raise HuntError((Problem(str(file), error.line, "", error.message),)) from error


def _wrong(subject: str, message: str) -> HuntError:
    return HuntError((Problem(subject, 0, "", message),))
