"""Which signatures ran on a split, told once a run rather than once a split: a set has an id, and is kept by it."""

import contextlib
import hashlib
import json
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from scanner.archive import storage
from scanner.errors import CommitConflict, HuntError, Problem
from scanner.results import layout

NOTHING_RAN: Final = ""
"""Id of the empty set, of which nothing is kept: nothing ran."""

_ID_DIGITS: Final = 32


def keep_set(run_uri: str, digests: Iterable[str]) -> str:
    """Keeps a set in a run, unless it is kept there already.

    Args:
        run_uri: Folder of the run.
        digests: Logic digests of signatures, in any order.

    Returns:
        The set's id: the same for the same digests in every run.

    Raises:
        CommitUnknown: The storage failed.
    """
    return _kept(run_uri, tuple(sorted(set(digests))))


def signature_set(run_uri: str, set_id: str) -> tuple[str, ...]:
    """The logic digests, sorted, of a set that a run keeps.

    Raises:
        HuntError: What is kept is not that set.
        SourceError: There is no such set, or it cannot be read.
    """
    return () if set_id == NOTHING_RAN else _read(run_uri, set_id)


@lru_cache(maxsize=64)
def _kept(run_uri: str, digests: tuple[str, ...]) -> str:
    set_id = _id(digests)
    if set_id != NOTHING_RAN:
        # The name tells the content, so that one which stands there is as good.
        with contextlib.suppress(CommitConflict):
            storage.create(layout.signature_set_uri(run_uri, set_id), json.dumps(digests).encode())
    return set_id


@lru_cache(maxsize=64)
def _read(run_uri: str, set_id: str) -> tuple[str, ...]:
    uri = layout.signature_set_uri(run_uri, set_id)
    data = storage.read_bytes(uri)
    try:
        digests = tuple(map(str, json.loads(data)))
    except (ValueError, TypeError, RecursionError) as error:
        raise _broken(uri) from error
    if _id(digests) != set_id:
        raise _broken(uri)
    return digests


def _id(digests: tuple[str, ...]) -> str:
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()[:_ID_DIGITS] if digests else NOTHING_RAN


def _broken(uri: str) -> HuntError:
    return HuntError((Problem(uri, 0, "", "this is no set of signatures, or a damaged one; move it away"),))
