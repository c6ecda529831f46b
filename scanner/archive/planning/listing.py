"""The files of an archive, sorted by their names, in a few hundred bytes each."""

import bisect
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final, overload

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scanner.archive.storage import FileInfo

_AT_ONCE: Final = 16_384


class Listing(Sequence[FileInfo]):
    """Files sorted by URI, each once; a `FileInfo` is made when it is asked for.

    Args:
        infos: In any order.
        on_listed: Called now and then with the number of files so far.
    """

    def __init__(self, infos: Iterable[FileInfo], on_listed: Callable[[int], None] = lambda _: None) -> None:
        uris, sizes, etags = _columns(infos, on_listed)
        if len(uris) and not pc.all(pc.less(uris[:-1], uris[1:])).as_py() and len(uris) > 1:
            order = pc.sort_indices(uris)
            uris, sizes, etags = (values.take(order) for values in (uris, sizes, etags))
            first = pa.concat_arrays([pa.array([True]), pc.not_equal(uris[:-1], uris[1:])])
            uris, sizes, etags = (values.filter(first) for values in (uris, sizes, etags))
        self._uris, self._sizes, self._etags = uris, sizes, etags

    def __len__(self) -> int:
        return len(self._uris)

    @overload
    def __getitem__(self, index: int) -> FileInfo: ...

    @overload
    def __getitem__(self, index: slice) -> list[FileInfo]: ...

    def __getitem__(self, index: int | slice) -> FileInfo | list[FileInfo]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        return FileInfo(self._uris[index].as_py(), self._sizes[index].as_py(), self._etags[index].as_py())

    def has_below(self, prefix: str) -> bool:
        """True where the name of any file begins like this."""
        place = bisect.bisect_left(self, prefix, key=lambda info: info.uri)
        return place < len(self) and self[place].uri.startswith(prefix)

    def has(self, uri: str) -> bool:
        """True where a file is called so."""
        place = bisect.bisect_left(self, uri, key=lambda info: info.uri)
        return place < len(self) and self[place].uri == uri

    def find(self, uris: Any, etags: Any) -> "np.ndarray[Any, np.dtype[np.int64]]":
        """int64[n], the number of each file of which this very version is here, and -1 of all others.

        Args:
            uris: string[n]. Looking for many at once is much cheaper than looking for them one by one.
            etags: string[n], the versions.
        """
        numbers = pc.index_in(uris.cast(pa.large_string()), value_set=self._uris)
        same = pc.equal(self._etags.take(numbers), etags.cast(pa.large_string()))
        found: np.ndarray[Any, np.dtype[np.int64]] = pc.if_else(same, numbers, -1).fill_null(-1).to_numpy()
        return found.astype(np.int64)

    def __iter__(self) -> Iterator[FileInfo]:
        for start in range(0, len(self), _AT_ONCE):
            parts = (values[start : start + _AT_ONCE] for values in (self._uris, self._sizes, self._etags))
            yield from map(FileInfo, *(part.to_pylist() for part in parts))


def _columns(infos: Iterable[FileInfo], on_listed: Callable[[int], None]) -> tuple[Any, Any, Any]:
    uris, sizes, etags = [], [], []
    source, listed = iter(infos), 0
    while some := list(islice(source, _AT_ONCE)):
        uris.append(pa.array([info.uri for info in some], pa.large_string()))
        sizes.append(pa.array([info.size_bytes for info in some], pa.int64()))
        etags.append(pa.array([info.etag for info in some], pa.large_string()))
        listed += len(some)
        on_listed(listed)
    return (
        pa.chunked_array(uris, pa.large_string()).combine_chunks(),
        pa.chunked_array(sizes, pa.int64()).combine_chunks(),
        pa.chunked_array(etags, pa.large_string()).combine_chunks(),
    )
