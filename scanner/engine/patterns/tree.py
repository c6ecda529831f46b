"""Builds the tree of a pattern from its tokens, and finds the groups that references and calls mean."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from scanner.engine.patterns.syntax import Token, tokens
from scanner.errors import HindcastError

_OPENS: Final = frozenset({"open", "look", "conditional", "define"})

DEEPEST: Final = 100
"""Groups in each other. PCRE2 takes 250; but who walks a tree takes several of Python's thousand frames for each."""


class UnknownConstruct(HindcastError):  # noqa: N818 - an answer about a pattern
    """The pattern holds what is not known for certain, or is nested too deep to tell.

    Attributes:
        text: The piece of it.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


@dataclass(slots=True, eq=False)
class Group:
    """A bracket and what stands in it, or the whole pattern.

    Attributes:
        token: What opens it.
        branches: Its alternatives, each a run of nodes.
    """

    token: Token
    branches: list[list["Node"]] = field(default_factory=lambda: [[]])


@dataclass(slots=True, eq=False)
class Repeat:
    """A node and its quantifier.

    Attributes:
        node: What is repeated.
        least: How often at least.
        most: How often at most; None for any number.
    """

    node: "Node"
    least: int
    most: int | None


Node = Token | Group | Repeat


@dataclass(frozen=True, slots=True)
class Tree:
    """A pattern.

    Attributes:
        root: The whole of it, as a group.
        groups: By number, the groups that capture by it: several in a branch reset.
        numbers: By name, the numbers that it stands for.
    """

    root: Group
    groups: dict[int, list[Group]]
    numbers: dict[str, set[int]]

    def meant_by(self, token: Token) -> list[Group]:
        """Groups that a reference or a call means."""
        numbers = self.numbers.get(token.name, set()) if token.name else {token.number}
        return [group for number in sorted(numbers) for group in self.groups.get(number, [])]


def parse(regex: str, flags: str) -> Tree:
    """Builds the tree of a pattern that PCRE2 takes.

    Raises:
        UnknownConstruct: It holds something of which it is not known for certain what it does, or more than `DEEPEST`
            groups in each other.
    """
    root = Group(Token("open", ""))
    tree = Tree(root, {0: [root]}, {})
    _fill(tokens(regex, flags), tree)
    return tree


def _fill(pieces: Iterator[Token], tree: Tree) -> None:
    opened = [tree.root]
    for token in pieces:
        branch = opened[-1].branches[-1]
        if token.kind == "unknown":
            raise UnknownConstruct(token.text)
        if token.kind in _OPENS:
            group = Group(token)
            branch.append(group)
            opened.append(group)
            if len(opened) > DEEPEST:
                depth = f"{DEEPEST} groups in each other"
                raise UnknownConstruct(depth)
            _register(group, tree)
        elif token.kind == "close":
            opened.pop()
        elif token.kind == "alternative":
            opened[-1].branches.append([])
        elif token.kind == "repeat":
            _repeat(branch, token.text)
        else:
            branch.append(token)


def _register(group: Group, tree: Tree) -> None:
    number, name = group.token.number, group.token.name
    if number:
        tree.groups.setdefault(number, []).append(group)
    if name:
        tree.numbers.setdefault(name, set()).add(number)


def _repeat(branch: list[Node], text: str) -> None:
    node = branch[-1] if branch else None
    if node is None:
        raise UnknownConstruct(text)
    if isinstance(node, Repeat):
        # PCRE2 takes no repeat of a repeat: this one says that the first is lazy or possessive.
        return
    least, most = _bounds(text)
    branch[-1] = Repeat(node, least, most)


def _bounds(text: str) -> tuple[int, int | None]:
    if text in _SHORT:
        return _SHORT[text]
    least, comma, most = text[1:-1].partition(",")
    return int(least), int(most) if most else None if comma else int(least)


_SHORT: Final[dict[str, tuple[int, int | None]]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
