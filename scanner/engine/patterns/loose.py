r"""Patterns for pass one, in a language that both engines read alike.

They are made of code points, spelled out, of borders, alternatives and greedy repeats: nothing that two engines
could understand differently. Whether a text holds a match is all that is asked of them, so what may be missing at
either end of a match is dropped: of ``[\w.-]{0,50}token\s*=.*`` the cells that hold ``token\s*=`` are left, which are
the same ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_lowercase
from typing import Final

MAX_COUNT: Final = 32_767
"""Hyperscan's limit of a bounded repeat."""


@dataclass(frozen=True, slots=True)
class Atom:
    """A piece that is written as it stands.

    Attributes:
        text: In Hyperscan's language; one code point, or a border.
        least: Code points that it takes at least: 0 for a border.
    """

    text: str
    least: int = 1


@dataclass(frozen=True, slots=True)
class Again:
    """A repeat; the bounds are as in `scanner.engine.patterns.tree.Repeat`."""

    piece: "Piece"
    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several runs of pieces."""

    branches: tuple["Run", ...]


Piece = Atom | Again | Choice
Run = tuple[Piece, ...]

_PAIR: Final = {letter: f"[{letter.upper()}{letter}]" for letter in ascii_lowercase}
_PAIRS: Final = {pair: letter for letter, pair in _PAIR.items()}
_WORTH: Final = 3
"""Letters in a row that are shorter under ``(?i)``; Hyperscan takes no pattern of more than 16,000 bytes."""

ANY: Final = Again(Atom("(?s:.)"), 0, None)
"""Any text, of any length."""


def choice(branches: Sequence[Run]) -> Run:
    """Runs to choose from, as short as that can be written."""
    unique = tuple(dict.fromkeys(branches))
    if len(unique) == 1:
        return unique[0]
    if all(len(branch) == 0 for branch in unique):
        return ()
    return (Choice(unique),)


def again(run: Run, least: int, most: int | None) -> Run:
    """A repeated run, as short as that can be written."""
    if most == 0 or not run:
        return ()
    if _is_border(run):
        return run if least else ()
    if (least, most) == (1, 1):
        return run
    piece = run[0] if len(run) == 1 and not isinstance(run[0], Again) else Choice((run,))
    if most is not None and most > MAX_COUNT:
        most = None
    return (Again(piece, min(least, MAX_COUNT), most),)


def _is_border(run: Run) -> bool:
    return all(isinstance(piece, Atom) and piece.least == 0 for piece in run)


def least(run: Run) -> int:
    """Code points that a run takes at least."""
    return sum(_least(piece) for piece in run)


def _least(piece: Piece) -> int:
    match piece:
        case Atom():
            return piece.least
        case Again():
            return _least(piece.piece) * piece.least
        case Choice():
            return min((least(branch) for branch in piece.branches), default=0)


def trimmed(run: Run) -> Run:
    """The run without what a match may lack at its ends; the same texts hold a match."""
    return _trimmed(_trimmed(run, 0), -1)


def _trimmed(run: Run, end: int) -> Run:
    while run:
        shorter = _shorter(run[end], end)
        run = shorter + run[1:] if end == 0 else run[:-1] + shorter
        if shorter:
            break
    return run


def _shorter(piece: Piece, end: int) -> Run:
    match piece:
        case Again(_, 0, _):
            return ()
        case Again(inner, 1, _):
            return _trimmed((inner,), end)
        case Again(inner, times, _):
            return (Again(inner, times, times),)
        case Choice(branches):
            shorter = [_trimmed(branch, end) for branch in branches]
            return () if () in shorter else choice(shorter)
        case Atom():
            return (piece,)


def unanchored(run: Run) -> Run:
    """The run with line borders at its ends only, because Hyperscan takes no others."""
    return _unanchored(run, first=True, last=True)


def _unanchored(run: Run, *, first: bool, last: bool) -> Run:
    begins = next((place for place, piece in enumerate(run) if not _is_border((piece,))), len(run))
    ends = next((place for place, piece in enumerate(reversed(run)) if not _is_border((piece,))), len(run))
    out: Run = ()
    for place, piece in enumerate(run):
        may_start, may_end = first and place <= begins, last and place >= len(run) - 1 - ends
        out += _piece_unanchored(piece, first=may_start, last=may_end)
    return out


def _piece_unanchored(piece: Piece, *, first: bool, last: bool) -> Run:
    match piece:
        case Atom("^"):
            return (piece,) if first else ()
        case Atom("$"):
            return (piece,) if last else ()
        case Atom():
            return (piece,)
        case Again(inner, least, most):
            once = most == 1
            return again(_piece_unanchored(inner, first=first and once, last=last and once), least, most)
        case Choice(branches):
            return choice([_unanchored(branch, first=first, last=last) for branch in branches])


def written(run: Run) -> str:
    """The run in Hyperscan's language, for UTF-8 mode under MULTILINE."""
    out, letters = "", ""
    for piece in run:
        letter = _PAIRS.get(piece.text, "") if isinstance(piece, Atom) else ""
        if not letter:
            out += _caseless(letters) + _written(piece)
        letters = letters + letter if letter else ""
    return out + _caseless(letters)


def _caseless(letters: str) -> str:
    return f"(?i:{letters})" if len(letters) >= _WORTH else "".join(_PAIR[letter] for letter in letters)


def _written(piece: Piece) -> str:
    match piece:
        case Atom():
            return piece.text
        case Again():
            return _written(piece.piece) + _quantifier(piece.least, piece.most)
        case Choice():
            return f"(?:{'|'.join(written(branch) for branch in piece.branches)})"


def _quantifier(least: int, most: int | None) -> str:
    short = {(0, None): "*", (1, None): "+", (0, 1): "?"}.get((least, most))
    if short:
        return short
    return f"{{{least}}}" if least == most else f"{{{least},{'' if most is None else most}}}"
