"""Objects as files: read by ranges, written in parts."""

import contextlib
import io
from collections.abc import Callable, Iterator
from typing import Any, NoReturn, Protocol

import pyarrow as pa
import pyarrow.fs

PART_BYTES = 8 << 20
"""Bytes of a part of an upload. S3 takes 10,000 parts of at least 5 MiB; Google wants a multiple of 256 KiB."""


class Upload(Protocol):
    """An object that is sent in parts, and that nobody sees before the last one has arrived."""

    def part(self, data: bytes) -> None:
        """Sends the next `PART_BYTES`."""

    def finish(self, rest: bytes) -> None:
        """Sends what is left, perhaps nothing, and makes the object visible."""

    def abandon(self) -> None:
        """Takes back what was sent, as far as that is possible."""


class RangedFile(io.RawIOBase):
    """A file of which each read is one request.

    Args:
        size_bytes: Its size.
        fetch: Gives bytes, from a start and of a length.
    """

    def __init__(self, size_bytes: int, fetch: Callable[[int, int], bytes]) -> None:
        super().__init__()
        self._size = size_bytes
        self._fetch = fetch
        self._place = 0

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """Where the next read begins."""
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Moves without a request."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        self._place = max(0, start + offset)
        return self._place

    def read(self, size: int | None = -1) -> bytes:
        """Bytes from the place on."""
        left = max(0, self._size - self._place)
        length = left if size is None or size < 0 else min(size, left)
        data = self._fetch(self._place, length) if length else b""
        self._place += len(data)
        return data


class _Sink(io.RawIOBase):
    """Collects bytes into parts. Closing it sends nothing: that is for whoever knows that all was written."""

    def __init__(self, upload: Upload) -> None:
        super().__init__()
        self._upload = upload
        self._buffer = bytearray()
        self._broken: Exception | None = None

    def writable(self) -> bool:
        """True."""
        return True

    # `io` takes an array or a memoryview too; Arrow hands over bytes.
    def write(self, data: bytes) -> int:  # type: ignore[override]
        """Takes bytes, and sends a part when there is one."""
        self._check()
        self._buffer += data
        while len(self._buffer) >= PART_BYTES:
            part = bytes(self._buffer[:PART_BYTES])
            del self._buffer[:PART_BYTES]
            try:
                self._upload.part(part)
            except Exception as error:
                # A later part must not make an object with a hole.
                self._broken = error
                raise
        return len(data)

    def finish(self) -> None:
        """Makes the object visible."""
        self._check()
        self._upload.finish(bytes(self._buffer))

    def _check(self) -> None:
        if self._broken is not None:
            raise self._broken


@contextlib.contextmanager
def sending(upload: Upload) -> Iterator[pa.NativeFile]:
    """A file to write, which becomes an object when the block ends, or nothing when it raises."""
    sink = _Sink(upload)
    try:
        # Arrow's own stream to S3 completes its upload when it is dropped, so it cannot be given up.
        yield pa.PythonFile(sink, mode="w")
        sink.finish()
    except BaseException:
        upload.abandon()
        raise


class ReadOnly(pyarrow.fs.FileSystemHandler):
    """Arrow's view of a store that can open files and nothing else.

    Args:
        kind: Name of the store.
        size: Gives the size of a file.
        open_file: Opens one.
    """

    def __init__(
        self, kind: str, size: Callable[[str], int], open_file: Callable[[str], pa.NativeFile]
    ) -> None:
        self._kind = kind
        self._size = size
        self._open = open_file

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def get_type_name(self) -> str:
        """The kind."""
        return self._kind

    def normalize_path(self, path: str) -> str:
        """Keys have one form."""
        return path

    def get_file_info(self, paths: str | list[str]) -> Any:
        """Sizes."""
        file = pyarrow.fs.FileType.File
        names = [paths] if isinstance(paths, str) else paths
        return [pyarrow.fs.FileInfo(path, file, size=self._size(path)) for path in names]

    def open_input_file(self, path: str) -> pa.NativeFile:
        """A file to read at any place."""
        return self._open(path)

    def open_input_stream(self, path: str) -> pa.NativeFile:
        """A file to read from its start."""
        return self._open(path)

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise io.UnsupportedOperation

    get_file_info_selector = _refuse
    create_dir = delete_dir = delete_dir_contents = delete_root_dir_contents = _refuse
    delete_file = move = copy_file = _refuse
    open_output_stream = open_append_stream = _refuse
