"""Tries again what a store may answer another time, a bounded number of times."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from scanner.archive.storage.settings import StorageSettings
from scanner.archive.storage.store import Unreachable
from scanner.errors import SourceError

LONGEST_PAUSE_S = 20.0

_T = TypeVar("_T")


class Transient(SourceError):  # noqa: N818 - an outcome that is tried again, not yet a fault
    """A request failed in a way that may not repeat: the store is busy, or the network broke."""


def tried(operation: Callable[[], _T], settings: StorageSettings) -> _T:
    """Does something until it works, fails for good, or has failed too often.

    The pauses between attempts grow, and are random so that many workers do not come back at once.

    Raises:
        Unreachable: It might have worked each time; the attempts are counted in the reason.
        SourceError: It failed for good.
    """
    attempt = 1
    while True:
        try:
            return operation()
        except Transient as error:
            if attempt >= settings.attempts:
                raise Unreachable(error.uri, f"{error.reason}; tried {attempt} times") from error
        longest = min(LONGEST_PAUSE_S, settings.backoff_s * 2 ** (attempt - 1))
        time.sleep(random.uniform(longest / 2, longest))  # noqa: S311 - spreads load, guards nothing
        attempt += 1
