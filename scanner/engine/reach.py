r"""Tells how far a plain pattern may reach over line feeds, where many cells stand one a line.

What reaches without end, such as ``[^a]*``, would make a call take the square of its length. A run of space and signs,
such as ``\s*`` or ``[\s._-]*``, ends at the next letter, and costs no more than its cells where a match can neither
begin in it nor divide it.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Final

from scanner.engine.patterns.syntax import Token
from scanner.engine.patterns.tree import Group, Node, Repeat
from scanner.engine.points import ONE_POINT, may_take_line_feed, members_of, overlap, takes_text

MOST_WAYS: Final = 1 << 10
"""In which line feeds may be taken, from one place on."""


def reaches_far(root: Group) -> bool:
    """True where a call over many cells might take much longer than one for each of them."""
    if _ways(root) > MOST_WAYS:
        return True
    repeated = (each.node for each in _parts(root) if isinstance(each, Repeat) and each.most is None)
    runs = [each for each in repeated if isinstance(each, Token) and may_take_line_feed(each)]
    if not runs:
        return False
    met = _met(root, runs)
    return met.first or met.twice


def _ways(node: Node) -> float:
    """In how many ways it may take line feeds, but for runs of what is no letter or digit."""
    match node:
        case Group():
            ways = max(math.prod(1 + _ways(each) for each in branch) for branch in node.branches) - 1
            return math.inf if node.token.kind == "look" and _takes_line_feed(node) else ways
        case Repeat(Token() as token, most=None) if not takes_text(token):
            return 0
        case Repeat(most=None):
            return math.inf if _takes_line_feed(node.node) else 0
        case Repeat():
            # What is repeated no time at all is not worth a thought.
            return _ways(node.node) * node.most if node.most else math.inf
        case Token():
            return int(may_take_line_feed(node))


def _takes_line_feed(node: Node) -> bool:
    return any(may_take_line_feed(each) for each in _parts(node) if isinstance(each, Token))


def _parts(node: Node) -> Iterator[Node]:
    """The node and all that it is made of."""
    yield node
    inside = [node.node] if isinstance(node, Repeat) else []
    if isinstance(node, Group):
        inside = [each for branch in node.branches for each in branch]
    for each in inside:
        yield from _parts(each)


@dataclass(frozen=True, slots=True)
class _Met:
    """Where runs are met in a part of a pattern.

    Attributes:
        first: One may begin it, as what is before that may be nothing, or part of a run.
        last: One may end it so.
        nothing: All of it may be nothing, or part of a run.
        twice: Two may follow on each other so.
    """

    first: bool = False
    last: bool = False
    nothing: bool = True
    twice: bool = False

    def then(self, other: "_Met") -> "_Met":
        """Both, one behind the other."""
        return _Met(
            self.first or (self.nothing and other.first),
            other.last or (other.nothing and self.last),
            self.nothing and other.nothing,
            self.twice or other.twice or (self.last and other.first),
        )

    def beside(self, other: "_Met") -> "_Met":
        """Either of them."""
        return _Met(
            self.first or other.first,
            self.last or other.last,
            self.nothing or other.nothing,
            self.twice or other.twice,
        )


def _met(node: Node, runs: Sequence[Token]) -> _Met:
    match node:
        case Group(token=Token(kind="look")):
            return _Met()
        case Group():
            branches = (
                reduce(_Met.then, (_met(each, runs) for each in branch), _Met()) for branch in node.branches
            )
            return reduce(_Met.beside, branches)
        case Repeat(Token() as token) if token in runs:
            return _Met(first=True, last=True)
        case Repeat():
            once = _met(node.node, runs)
            again = once if node.most == 1 else once.then(once)
            return again if node.least else again.beside(_Met())
        case Token():
            return _Met(nothing=node.kind not in ONE_POINT or _may_be_in(node, runs))


def _may_be_in(token: Token, runs: Sequence[Token]) -> bool:
    """True where a piece may match what a run consists of."""
    if may_take_line_feed(token):
        return True
    return any(overlap(members_of(token), members_of(run)) for run in runs)
