"""The evidence of many hits at once, without an object for each; what it is of one, `scanner.results.mask` says."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from scanner.results.mask import BYTES_PER_CHARACTER, CONTEXT, MATCH, SHOWN, Evidence, match_hash, snippet
from scanner.views.raw import Int64s, in_one_buffer

_AT_ONCE: Final = 1 << 14
_ASCII: Final = 0x80
_CODES: Final = 0x110000
_CONTINUES: Final = (0b1100_0000, 0b1000_0000)
_OPEN, _CLOSE, _END = "\U0010fffd", "\U0010fffe", "\U0010ffff"
_MARKS: Final = {_OPEN: "⟦", _CLOSE: "⟧", _END: "\n"}
_UNKNOWN: Final = _CODES
_LONG_MATCH: Final = 1024

Bytes = npt.NDArray[np.uint8]
Codes = npt.NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Places:
    """Where the matches of n hits stand in one buffer.

    Attributes:
        data: The buffer.
        cell_starts: int64[n], first byte of the cell.
        starts: int64[n], first byte of the match.
        ends: int64[n], first byte after it.
        cell_ends: int64[n], first byte after the cell.
    """

    data: Bytes
    cell_starts: Int64s
    starts: Int64s
    ends: Int64s
    cell_ends: Int64s

    def __len__(self) -> int:
        return len(self.starts)

    @classmethod
    def together(cls, pieces: "Sequence[Places]") -> "Places":
        """Those in several buffers, in one."""
        lengths = np.array([len(piece.data) for piece in pieces], np.int64)
        moved = np.repeat(np.cumsum(lengths) - lengths, [len(piece) for piece in pieces])
        return cls(
            np.concatenate([piece.data for piece in pieces]),
            *(
                np.concatenate(column) + moved
                for column in zip(*(piece.borders for piece in pieces), strict=True)
            ),
        )

    @property
    def borders(self) -> tuple[Int64s, Int64s, Int64s, Int64s]:
        """The four columns."""
        return self.cell_starts, self.starts, self.ends, self.cell_ends

    def part(self, chosen: slice | Int64s) -> "Places":
        """Some of them."""
        return Places(self.data, *(each[chosen] for each in self.borders))

    def parts(self) -> Iterator["Places"]:
        """All of them, so many at a time as fit into memory."""
        return (self.part(slice(first, first + _AT_ONCE)) for first in range(0, len(self), _AT_ONCE))


def snippets(places: Places, evidence: Evidence) -> pa.StringArray:
    """What `scanner.results.mask.snippet` shows of each hit."""
    if evidence == "hashed":
        return pa.nulls(len(places), pa.string())
    parts = [_snippets(part, evidence) for part in places.parts()]
    return pa.concat_arrays(parts) if parts else pa.array([], pa.string())


def match_hashes(places: Places, key: bytes) -> pa.StringArray:
    """What `scanner.results.mask.match_hash` makes of each match; equal ones are hashed once."""
    parts = [_hashes(part, key) for part in places.parts()]
    return pa.concat_arrays(parts) if parts else pa.array([], pa.string())


def _hashes(places: Places, key: bytes) -> Any:
    starts, ends = places.starts, places.ends
    if (ends - starts).max() > _LONG_MATCH:
        pairs = zip(starts.tolist(), ends.tolist(), strict=True)
        return pa.array([match_hash(key, places.data[a:b].tobytes()) for a, b in pairs], pa.string())
    matched: Any = _cut(places.data, starts, ends).cast(pa.large_binary()).dictionary_encode()
    hashes = [match_hash(key, each) for each in matched.dictionary.to_pylist()]
    return pa.array(hashes, pa.string()).take(matched.indices)


def _snippets(places: Places, evidence: Evidence) -> Any:
    plain, shown = _of_ascii(places, evidence)
    others = np.flatnonzero(~plain)
    if not len(others):
        return shown
    rest = places.part(others)
    found = _of_any(rest, evidence)
    if found is None:
        found = pa.array(_one_by_one(rest, evidence), pa.string())
    which = np.arange(len(places))
    which[others] = len(places) + np.arange(len(others))
    return pa.concat_arrays([shown, found]).take(pa.array(which, pa.int64()))


def _one_by_one(places: Places, evidence: Evidence) -> Iterator[str | None]:
    around = 2 * CONTEXT * BYTES_PER_CHARACTER
    firsts = np.maximum(places.cell_starts, places.starts - around)
    lasts = np.minimum(places.cell_ends, places.ends + around)
    columns = (each.tolist() for each in (firsts, places.starts, places.ends, lasts))
    for first, start, end, last in zip(*columns, strict=True):
        yield snippet(places.data[first:last].tobytes(), start - first, end - first, evidence)


def _of_ascii(places: Places, evidence: Evidence) -> tuple[npt.NDArray[np.bool_], Any]:
    """The snippets, and of which hits they are right: where all is ASCII that has an ASCII character to be shown as."""
    pieces = [_cut(places.data, *borders) for borders in _narrow_borders(places)]
    plain: Any = pc.and_(
        pc.and_(*(pc.string_is_ascii(each) for each in pieces[:2])), pc.string_is_ascii(pieces[2])
    )
    before, matched, after = pieces
    ending = _endings(pa.array(places.ends - places.starts))
    data, offsets = _joined(before, "⟦", matched, ending, "⟧", after)
    shown = data.translate(_ascii_table(evidence))
    chosen = plain.to_numpy(zero_copy_only=False).copy()
    chosen[np.searchsorted(offsets, np.flatnonzero(np.frombuffer(shown, np.uint8) == 0), "right") - 1] = False
    return chosen, _strings(shown, offsets)


def _of_any(places: Places, evidence: Evidence) -> Any:
    """The snippets, where all is valid UTF-8 without the characters that mark places here; else None."""
    pieces = [_cut(places.data, *borders) for borders in _wide_borders(places)]
    try:
        for piece in pieces:
            piece.validate(full=True)
    except pa.ArrowInvalid:
        return None
    before, matched, after = pieces
    ending = _endings(pc.utf8_length(matched))
    before, after = pc.utf8_slice_codeunits(before, -CONTEXT), pc.utf8_slice_codeunits(after, 0, CONTEXT)
    matched = pc.utf8_slice_codeunits(matched, 0, MATCH)
    text, _ = _joined(before, _OPEN, matched, ending, _CLOSE, after, _END)
    codes = np.frombuffer(text.decode().encode("utf-32-le"), np.uint32)
    if np.count_nonzero(codes >= ord(_OPEN)) != len(_MARKS) * len(places):
        return None
    lines = _shown(codes, evidence)
    # No line feed is shown, so each stands for the mark at the end of a snippet.
    ends = np.flatnonzero(np.frombuffer(lines, np.uint8) == ord("\n"))
    return _strings(lines.replace(b"\n", b""), np.append(0, ends - np.arange(len(ends))))


def _endings(lengths: Any) -> Any:
    """What follows on a match that is shown in part."""
    cut: Any = pc.greater(lengths, pa.scalar(MATCH, lengths.type))
    return pc.if_else(cut, pa.scalar("…", pa.large_string()), pa.scalar("", pa.large_string()))


def _narrow_borders(places: Places) -> list[tuple[Int64s, Int64s]]:
    """First and last bytes of what is shown before a match, of it, and after it, in ASCII."""
    return [
        (np.maximum(places.cell_starts, places.starts - CONTEXT), places.starts),
        (places.starts, np.minimum(places.ends, places.starts + MATCH)),
        (places.ends, np.minimum(places.cell_ends, places.ends + CONTEXT)),
    ]


def _wide_borders(places: Places) -> list[tuple[Int64s, Int64s]]:
    """The same of characters of any width, with some to spare, cut at borders of characters."""
    data, starts, ends = places.data, places.starts, places.ends
    first = starts - CONTEXT * BYTES_PER_CHARACTER
    within = starts + (MATCH + 1) * BYTES_PER_CHARACTER
    last = ends + CONTEXT * BYTES_PER_CHARACTER
    return [
        (
            np.where(first > places.cell_starts, _next_character(data, first, starts), places.cell_starts),
            starts,
        ),
        (starts, _next_character(data, within, ends)),
        (ends, _next_character(data, last, places.cell_ends)),
    ]


def _next_character(data: Bytes, at: Int64s, limit: Int64s) -> Int64s:
    """The first border of characters from there on, of valid UTF-8; at most the limit, which is a border too."""
    mask, continues = _CONTINUES
    for _ in range(BYTES_PER_CHARACTER - 1):
        at = at + (data[np.clip(at, 0, len(data) - 1)] & mask == continues)
    return np.minimum(at, limit)


def _shown(codes: Codes, evidence: Evidence) -> bytes:
    """What is shown of some text, with line feeds for the marks of ends."""
    table = _table(evidence)
    shown = table[codes]
    if shown.max(initial=0) == _UNKNOWN:
        for code in np.unique(codes[shown == _UNKNOWN]).tolist():
            table[code] = ord(SHOWN[evidence][code] or "\0")
        shown = table[codes]
    returns = np.flatnonzero(codes == ord("\r"))
    shown[returns[codes[returns + 1] == ord("\n")]] = 0
    return shown.tobytes().decode("utf-32-le").encode().replace(b"\0", b"")


@cache
def _table(evidence: Evidence) -> Codes:  # noqa: ARG001 - each kind of evidence has one
    """What becomes of each code point, 0 for nothing; filled as they come up."""
    table = np.full(_CODES, _UNKNOWN, np.uint32)
    for mark, shown in _MARKS.items():
        table[ord(mark)] = ord(shown)
    return table


@cache
def _ascii_table(evidence: Evidence) -> bytes:
    """What becomes of each byte of ASCII, 0 for what has no character there; the other bytes stay."""
    shown = ((SHOWN[evidence][code] or "\0").encode() for code in range(_ASCII))
    return b"".join(each if len(each) == 1 else b"\0" for each in shown) + bytes(range(_ASCII, 256))


def _cut(data: Bytes, starts: Int64s, ends: Int64s) -> Any:
    """large_string[n], some pieces of a buffer; not validated."""
    # Arrow copies a piece for a twentieth of what NumPy takes, out of an array that has the gaps between them too.
    apart = np.append(True, starts[1:] >= np.maximum.accumulate(ends)[:-1])[: len(starts)]
    pieces = _array(data, np.stack([starts[apart], ends[apart]], axis=1).reshape(-1))
    chosen = pieces.take(pa.array(np.arange(0, len(pieces), 2)))
    if apart.all():
        return chosen
    others = _array(*_gathered(data, starts[~apart], ends[~apart]))
    which = np.empty(len(starts), np.int64)
    which[apart] = np.arange(len(chosen))
    which[~apart] = len(chosen) + np.arange(len(others))
    return pa.concat_arrays([chosen, others]).take(pa.array(which))


def _gathered(data: Bytes, starts: Int64s, ends: Int64s) -> tuple[Bytes, Int64s]:
    """The bytes of some pieces one behind the other, and where each begins."""
    offsets = np.zeros(len(starts) + 1, np.int64)
    np.cumsum(ends - starts, out=offsets[1:])
    where = np.repeat(starts - offsets[:-1], ends - starts) + np.arange(offsets[-1])
    return data[where], offsets


def _array(data: Bytes, offsets: Int64s) -> Any:
    """large_string[n], not validated."""
    return pa.LargeStringArray.from_buffers(
        len(offsets) - 1, pa.py_buffer(offsets.data), pa.py_buffer(data.data)
    )


def _joined(first: Any, *others: Any) -> tuple[bytes, Int64s]:
    """Pieces and marks, piece by piece."""
    scalars = (pa.scalar(each, first.type) if isinstance(each, str) else each for each in (*others, ""))
    joined: Any = pc.binary_join_element_wise(first, *scalars)
    data, offsets = in_one_buffer(joined)
    return data.to_pybytes(), offsets


def _strings(data: bytes, offsets: Int64s) -> Any:
    places = pa.py_buffer(offsets.astype(np.int32).data)
    return pa.StringArray.from_buffers(len(offsets) - 1, places, pa.py_buffer(data))
