"""Many footers read side by side, in the order of the files and in bounded memory."""

import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Final

from scanner.archive.formats import Written
from scanner.archive.formats.doors import format_called
from scanner.archive.formats.format import Format
from scanner.archive.parquet.footer_cache import FooterCache
from scanner.archive.planning.survey import Survey, Surveyor
from scanner.archive.storage import FileInfo
from scanner.errors import SourceError

THREADS: Final = 32
"""Footers are small, so what they take is waiting for the store."""

_AT_ONCE: Final = 32
"""Files that a thread takes at once where there are many."""

_LARGE_BYTES: Final = 4 << 20
"""Footers from this size on are looked at one after the other: decoded they take a multiple of it."""

Looked = tuple[int, Survey | SourceError]


class Surveys:
    """Surveys of files, each with the file's number.

    Args:
        surveyor: Looks at a footer.
        cache: Has footers that were read before, and keeps those that were not.
        written: How the files are written.
    """

    def __init__(self, surveyor: Surveyor, cache: FooterCache, written: Written) -> None:
        self._surveyor = surveyor
        self._cache = cache
        self._written = written
        self._one_large = threading.Lock()

    def of(self, files: Iterable[tuple[int, FileInfo]], expected: int) -> Iterator[list[Looked]]:
        """Looks at files and tells, in their order, of some at a time.

        Args:
            files: The files, numbered.
            expected: How many there are about.
        """
        at_once = max(1, min(_AT_ONCE, expected // (2 * THREADS)))
        source = iter(files)
        under_way: deque[Future[list[Looked]]] = deque()
        pool = ThreadPoolExecutor(min(THREADS, max(1, expected)), "footers")
        try:
            while some := list(islice(source, at_once)):
                under_way.append(pool.submit(self._look_at_all, some))
                if len(under_way) > 2 * THREADS:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _look_at_all(self, files: Sequence[tuple[int, FileInfo]]) -> list[Looked]:
        return [(number, self.look_at(info)) for number, info in files]

    def look_at(self, info: FileInfo) -> Survey | SourceError:
        """What one file's footer says, or why it cannot be read."""
        form = self._format_of(info)
        try:
            head = self._cache.get(info)
            if head is not None and form.is_head(head):
                return self._surveyed(form, info, head)
            head = form.head(info)
            found = self._surveyed(form, info, head)
        except SourceError as error:
            return error
        self._cache.put(info, head)
        return found

    def head(self, info: FileInfo) -> bytes:
        """What has to be known of a file before its rows are read.

        Raises:
            SourceError: It cannot be read.
        """
        form = self._format_of(info)
        head = self._cache.get(info)
        return head if head is not None and form.is_head(head) else form.head(info)

    def _format_of(self, info: FileInfo) -> Format:
        return format_called(self._written.format_of(info.uri))

    def _surveyed(self, form: Format, info: FileInfo, head: bytes) -> Survey:
        if len(head) < _LARGE_BYTES:
            return form.survey(self._surveyor, info, head)
        with self._one_large:
            return form.survey(self._surveyor, info, head)
