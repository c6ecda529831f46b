r"""Spells a pattern for pass one: never stricter than the judge, in a language that both engines read alike.

Hyperscan gets literal characters, classes spelled out, groups, alternatives, greedy repeats, line borders
and ASCII word borders, in UTF-8 mode under MULTILINE. What else PCRE2 has is widened:

* an assertion (look-around, a Unicode word border) is left out, and so is what can only take matches away: atomic
  groups and possessive repeats are plain ones, verbs but ``(*ACCEPT)`` and ``\G`` are nothing;
* ``\A``, ``\z`` and ``\Z`` are line borders, because cells stand in a block one a line;
* a back-reference is what its group can match, without the borders in it, for those held where the group stands;
* a call of a group is that group, or any text where it would call itself;
* a condition is left out, and either branch may follow.

Leaving something out only ever adds matches, with one exception: inside a negated assertion it would take
them away, and assertions are left out whole. What cannot be widened is `NotForPassOne`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from scanner.engine.patterns.classes import COARSE_RANGES, MAX_RANGES, members, point, spell
from scanner.engine.patterns.loose import ANY, Atom, Run, again, choice, least, trimmed, unanchored, written
from scanner.engine.patterns.syntax import Token, judge_source
from scanner.engine.patterns.tree import Group, Node, Repeat, Tree, UnknownConstruct, parse
from scanner.errors import HindcastError
from scanner.signatures.model import RegexPattern

MAX_PIECES: Final = 3_000
"""Pieces of a pattern beyond which a reference or a call is any text."""

_ANY_POINT: Final = Atom("(?s:.)")

_FIXED: Final[dict[str, Run]] = {
    "bol": (Atom("^", 0),),
    "subject_start": (Atom("^", 0),),
    "eol": (Atom("$", 0),),
    "subject_end": (Atom("$", 0),),
    "nothing": (),
    "line_break": (Atom(r"(?:\x{d}\x{a}|[\x{a}-\x{d}\x{85}\x{2028}\x{2029}])"),),
    "cluster": again((_ANY_POINT,), 1, None),
}
_BORDERS: Final = frozenset({"bol", "subject_start", "eol", "subject_end", "border"})


class NotForPassOne(HindcastError):  # noqa: N818 - an answer about a pattern
    """No pattern is known that is surely looser than this one.

    Attributes:
        reason: What stands in the way.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Loose:
    """A pattern for pass one.

    Attributes:
        regex: In Hyperscan's language, for UTF-8 mode under MULTILINE.
        coarse: The same, with classes of many ranges beyond ASCII made wider: looser, and much smaller where it
            differs.
    """

    regex: str
    coarse: str


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a node is written.

    Attributes:
        inside: The capturing groups that it stands in, there or where they are called.
        copied: True where it stands for the text of a back-reference.
        folded: True where that reference ignores case.
    """

    inside: frozenset[int] = frozenset({0})
    copied: bool = False
    folded: bool = False


class _Writer:
    """Writes the nodes of a tree. A run is None where nothing can match."""

    def __init__(self, tree: Tree, most_ranges: int) -> None:
        self._tree = tree
        self._most_ranges = most_ranges
        self._pieces = 0

    def whole(self) -> Run | None:
        return self.branches(self._tree.root.branches, _Place())

    def branches(self, branches: Sequence[Sequence[Node]], place: _Place) -> Run | None:
        runs = [self._run(branch, place) for branch in branches]
        possible = [run for run in runs if run is not None]
        return choice(possible) if possible else None

    def _run(self, nodes: Sequence[Node], place: _Place) -> Run | None:
        out: Run = ()
        for node in nodes:
            run = self._node(node, place)
            if run is None:
                return None
            out += run
        return out

    def _node(self, node: Node, place: _Place) -> Run | None:
        match node:
            case Token():
                self._pieces += 1
                return self._token(node, place)
            case Group():
                return self._group(node, place)
            case Repeat():
                run = self._node(node.node, place)
                if run is None:
                    return None if node.least else ()
                return again(run, node.least, node.most)

    def _group(self, group: Group, place: _Place) -> Run | None:
        if group.token.kind in ("look", "define"):
            return ()
        branches = group.branches
        if group.token.kind == "conditional" and len(branches) == 1:
            branches = [*branches, []]
        if group.token.number:
            place = replace(place, inside=place.inside | {group.token.number})
        return self.branches(branches, place)

    def _token(self, token: Token, place: _Place) -> Run | None:
        if token.kind in ("reference", "call"):
            return self._elsewhere(token, place)
        if token.kind in _BORDERS and place.copied:
            return ()
        if token.kind == "border":
            return (Atom(token.text, 0),) if _is_plain(token) else ()
        return _FIXED[token.kind] if token.kind in _FIXED else self._point(token, folded=place.folded)

    def _elsewhere(self, token: Token, place: _Place) -> Run | None:
        """What the groups of a reference or a call can match; any text where they would stand in themselves."""
        groups = self._tree.meant_by(token)
        numbers = {group.token.number for group in groups}
        if not groups or numbers & place.inside or self._pieces > MAX_PIECES:
            return (ANY,)
        there = replace(place, inside=place.inside | numbers)
        if token.kind == "reference":
            there = replace(there, copied=True, folded=place.folded or token.caseless)
        runs = [self.branches(group.branches, there) for group in groups]
        possible = [run for run in runs if run is not None]
        return choice(possible) if possible else None

    def _point(self, token: Token, *, folded: bool) -> Run | None:
        """One code point; where it is read by a reference that ignores case, with every case variant."""
        if token.kind == "char":
            return self._char(token, folded=folded)
        if token.kind == "dot":
            return (_ANY_POINT if token.dotall else Atom("."),)
        return (_ANY_POINT,) if folded else self._members(token.text, token)

    def _char(self, token: Token, *, folded: bool) -> Run | None:
        if folded:
            token = replace(token, options=token.options | {"i"})
        if not token.caseless or (token.text.isascii() and not token.text.isalpha()):
            return (Atom(point(ord(token.text))),)
        return self._members(f"\\x{{{ord(token.text):x}}}", token)

    def _members(self, source: str, token: Token) -> Run | None:
        found = members(
            judge_source(token.restriction + source), caseless=token.caseless, unicode=token.unicode
        )
        return (Atom(spell(found, self._most_ranges)),) if found else None


def _is_plain(token: Token) -> bool:
    r"""Tells whether a word border is the ASCII one that both engines know."""
    return token.text in (r"\b", r"\B") and not token.unicode


def loosen(pattern: RegexPattern) -> Loose:
    """Widens a pattern of dialect ``pcre`` that the judge takes.

    Raises:
        NotForPassOne: It cannot be widened for certain.
    """
    try:
        tree = parse(pattern.regex, pattern.flags)
    except UnknownConstruct as unknown:
        reason = f"`{unknown.text}`"
        raise NotForPassOne(reason) from None
    return Loose(_spelled(tree, MAX_RANGES), _spelled(tree, COARSE_RANGES))


def _spelled(tree: Tree, most_ranges: int) -> str:
    run = _Writer(tree, most_ranges).whole()
    if run is None:
        reason = "it can match no text"
        raise NotForPassOne(reason)
    if least(run) == 0:
        reason = "it can match the empty text"
        raise NotForPassOne(reason)
    return written(trimmed(unanchored(run)))
