"""A hunt and its signatures as one zip: the files that the hunt names and no others, named by their digest."""

import hashlib
import io
import os
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from scanner.errors import HuntError, Problem
from scanner.signatures import source
from scanner.signatures.load import SUFFIXES

MAX_FILES_BYTES = 1_000_000_000
MAX_PACKAGE_BYTES = 90_000_000
"""Ray's dashboard takes uploads of up to 100 MiB. Source: DASHBOARD_CLIENT_MAX_SIZE in Ray 2.60."""

FILES = "files"
"""Folder of the user's files in a package."""
START = "start.py"

_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Package:
    """What is sent to a cluster.

    Attributes:
        hunt_file: Path of the hunt file in it.
        digest: SHA-256 of names and contents of the user's files, in hexadecimal digits.
        files: How many those are.
        data: The zip.
    """

    hunt_file: str
    digest: str
    files: int
    data: bytes

    @property
    def name(self) -> str:
        """The name that Ray knows it by; another content or another start has another name."""
        return f"_ray_pkg_hindcast_{hashlib.sha256(self.data).hexdigest()[:32]}.zip"


def pack(hunt_file: str, signature_files: Sequence[str], others: Sequence[str] = ()) -> Package:
    """Packs a hunt that was read without problems.

    The files keep their places relative to each other, so that the relative paths in them stay true.

    Args:
        hunt_file: Its path.
        signature_files: Every file of signatures that it reads.
        others: What else of this machine it names.

    Raises:
        HuntError: A file cannot be read or sent, or all of them are too large.
    """
    paths = {os.path.abspath(file): file for file in (hunt_file, *signature_files, *others)}  # noqa: PTH100 - `..` goes, links stay
    for file in signature_files:
        # Only files of this kind name others.
        if not file.lower().endswith(SUFFIXES):
            continue
        paths |= {os.path.abspath(name): name for name in _lists_of(file)}  # noqa: PTH100
    root = os.path.commonpath([os.path.dirname(path) for path in paths])  # noqa: PTH120
    contents = _read({os.path.relpath(path, root): told for path, told in paths.items()}, root)
    digest = hashlib.sha256()
    for name, content in contents.items():
        for part in (name.encode(), content):
            digest.update(len(part).to_bytes(8))
            digest.update(part)
    members = {f"{FILES}/{name}": content for name, content in contents.items()}
    data = _zip({**members, START: Path(__file__).with_name(START).read_bytes()})
    if len(data) > MAX_PACKAGE_BYTES:
        raise _wrong(
            hunt_file, f"its files are larger than {MAX_PACKAGE_BYTES // 1_000_000} MB when packed; {_REMEDY}"
        )
    inside = os.path.relpath(os.path.abspath(hunt_file), root)  # noqa: PTH100
    return Package(f"{FILES}/{inside}", digest.hexdigest(), len(contents), data)


def pack_start() -> Package:
    """A package without any file of a user's."""
    return Package("", "", 0, _zip({START: Path(__file__).with_name(START).read_bytes()}))


_REMEDY = "put long lists of literals into another hunt"


def _lists_of(file: str) -> Iterator[str]:
    """The files that ``list:`` names in a file of signatures."""
    document = source.read_document(Path(file).read_bytes().decode("utf-8-sig"))
    for name in _listed(document.value):
        yield str(Path(file).parent / name)


def _listed(value: source.Value | None) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _listed(item)
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "list" and isinstance(inner, str):
                yield inner
            else:
                yield from _listed(inner)


def _read(paths: dict[str, str], root: str) -> dict[str, bytes]:
    """Name in the package → content, in the order of names."""
    left = MAX_FILES_BYTES
    contents = {}
    for name in sorted(paths):
        told = paths[name]
        if "\\" in name or not name.isprintable():
            raise _wrong(told, "has a backslash or an invisible character in its name; rename it")
        try:
            with Path(root, name).open("rb") as stream:
                contents[name] = stream.read(left + 1)
        except OSError as error:
            raise _wrong(told, f"cannot be read: {(error.strerror or str(error)).lower()}") from error
        left -= len(contents[name])
        if left < 0:
            raise _wrong(
                told, f"with the files before it is larger than {MAX_FILES_BYTES // 1_000_000} MB; {_REMEDY}"
            )
    return contents


def _zip(members: dict[str, bytes]) -> bytes:
    """The same bytes for the same members, whenever and by whomever they were written."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, content)
    return stream.getvalue()


def _wrong(subject: str, message: str) -> HuntError:
    return HuntError((Problem(subject, 0, "", message),))
