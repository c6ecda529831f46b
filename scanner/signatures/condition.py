"""The condition of a signature: which of its patterns must match, and which must not.

    condition := conjunction ("or" conjunction)*
    conjunction := negation ("and" negation)*
    negation := "not" negation | "(" condition ")" | quantified | name
    quantified := (number | "all" | "any") "of" (set | "(" set ("," set)* ")")
    set := "them" | prefix "*" | name

Words are Sigma's. Keywords may be written in any case; names are ``[a-z_][a-z0-9_]*``.

Source: https://sigmahq.io/docs/basics/conditions.html
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NamedTuple, NoReturn

from scanner.errors import HindcastError

KEYWORDS = frozenset({"and", "or", "not", "of", "all", "any", "them"})
"""Words that no pattern may be named by."""

MAX_DEPTH = 50
"""Brackets and ``not`` that may stand inside each other."""


@dataclass(frozen=True, slots=True)
class Ref:
    """True where the pattern of this name matches."""

    name: str


@dataclass(frozen=True, slots=True)
class Not:
    """True where the item is not."""

    item: "Condition"


@dataclass(frozen=True, slots=True)
class And:
    """True where every item is; at least two items."""

    items: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """True where at least one item is; at least two items."""

    items: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class AtLeast:
    """True where at least ``count`` of the patterns match.

    Attributes:
        count: From 1 to the number of items.
        items: Unique patterns.
    """

    count: int
    items: tuple[Ref, ...]


Condition = Ref | Not | And | Or | AtLeast


class ConditionError(HindcastError):
    """A condition cannot be read.

    Attributes:
        message: What is wrong and what to write instead.
        position: Where in the text, in characters from 0.
    """

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message, position)
        self.message = message
        self.position = position

    def __str__(self) -> str:
        return f"{self.message} (at character {self.position + 1})"


def parse(text: str, names: Sequence[str]) -> Condition:
    """Reads a condition.

    Nested ``and`` in ``and`` and ``or`` in ``or`` are flattened; ``them`` and ``prefix*`` are replaced by the
    names they stand for, in the order of ``names``.

    Args:
        text: The condition as written.
        names: The names of all patterns, in their order.

    Raises:
        ConditionError: The text is no condition, or names a pattern that does not exist.
    """
    return _Parser(_tokens(text), tuple(names)).parse()


def evaluate(condition: Condition, is_true: Callable[[str], bool]) -> bool:
    """Decides a condition, asking about as few patterns as it can, from left to right."""
    match condition:
        case Ref(name):
            return is_true(name)
        case Not(item):
            return not evaluate(item, is_true)
        case And(items):
            return all(evaluate(item, is_true) for item in items)
        case Or(items):
            return any(evaluate(item, is_true) for item in items)
        case AtLeast(count, refs):
            return _at_least(count, refs, is_true)


def mentioned(condition: Condition) -> frozenset[str]:
    """Every name that occurs in a condition."""
    return frozenset(_positive(condition, negated=False) | _positive(condition, negated=True))


def positive(condition: Condition) -> frozenset[str]:
    """Names that occur without a negation, once every ``not`` has been pushed down to the names.

    Where a condition is not true of nothing at all, at least one of these matches wherever it is true.
    """
    return frozenset(_positive(condition, negated=False))


def possible(condition: Condition, may_match: Callable[[str], bool]) -> bool:
    """Tells whether a condition might be true when only some patterns might match.

    False only where it is certain: the patterns for which ``may_match`` is False do not match, the others may
    or may not. Every occurrence of a name is looked at for itself, so ``a and not a`` counts as possible.
    """
    return _possible(condition, may_match, negated=False)


def render(condition: Condition) -> str:
    """Writes a condition so that `parse` reads the same condition back."""
    match condition:
        case Ref(name):
            return name
        case Not(item):
            return f"not {_bracketed(item, And, Or)}"
        case And(items):
            return " and ".join(_bracketed(item, And, Or) for item in items)
        case Or(items):
            return " or ".join(_bracketed(item, Or) for item in items)
        case AtLeast(count, refs):
            return f"{count} of ({', '.join(ref.name for ref in refs)})"


def _bracketed(item: Condition, *kinds: type[Condition]) -> str:
    return f"({render(item)})" if isinstance(item, kinds) else render(item)


def _at_least(count: int, refs: tuple[Ref, ...], is_true: Callable[[str], bool]) -> bool:
    missing = count
    for left, ref in zip(range(len(refs), 0, -1), refs, strict=True):
        if missing > left:
            return False
        missing -= is_true(ref.name)
        if not missing:
            return True
    return False


def _positive(condition: Condition, *, negated: bool) -> set[str]:
    match condition:
        case Ref(name):
            return set() if negated else {name}
        case Not(item):
            return _positive(item, negated=not negated)
        case And(items) | Or(items) | AtLeast(_, items):
            return set().union(*(_positive(item, negated=negated) for item in items))


def _possible(condition: Condition, may_match: Callable[[str], bool], *, negated: bool) -> bool:
    match condition:
        case Ref(name):
            return negated or may_match(name)
        case Not(item):
            return _possible(item, may_match, negated=not negated)
        case AtLeast(count, refs):
            return negated or _at_least(count, refs, may_match)
        case And(items) | Or(items):
            every = isinstance(condition, And) != negated
            answers = (_possible(item, may_match, negated=negated) for item in items)
            return all(answers) if every else any(answers)


class _Token(NamedTuple):
    kind: str
    text: str
    position: int


_TOKEN = re.compile(
    r"\s*(?:(?P<word>[A-Za-z_][A-Za-z0-9_]*\*?)|(?P<number>[0-9]+)|(?P<mark>[(),])|(?P<bad>\S))"
)
_INSTEAD = {"&": "and", "|": "or", "!": "not", "*": "them"}


def _tokens(text: str) -> list[_Token]:
    tokens = []
    for found in _TOKEN.finditer(text):
        kind = found.lastgroup or ""
        word = found[kind]
        position = found.start(kind)
        if kind == "bad":
            instead = f"; write `{_INSTEAD[word]}`" if word in _INSTEAD else ""
            message = f"`{word}` has no meaning in a condition{instead}"
            raise ConditionError(message, position)
        if word.lower() in KEYWORDS:
            word = word.lower()
            kind = word
        elif kind == "mark":
            kind = word
        tokens.append(_Token(kind, word, position))
    tokens.append(_Token("end", "", len(text)))
    return tokens


class _Parser:
    """Recursive descent over the tokens; one method a rule of the grammar."""

    def __init__(self, tokens: list[_Token], names: tuple[str, ...]) -> None:
        self._tokens = tokens
        self._names = names
        self._next = 0
        self._depth = 0

    def parse(self) -> Condition:
        condition = self._condition()
        token = self._peek()
        if token.kind != "end":
            self._refuse(token, "write `and` or `or` before it" if token.kind in _OPENERS else "remove it")
        return condition

    def _condition(self) -> Condition:
        items = self._flat(Or, self._conjunction())
        while self._accept("or"):
            items += self._flat(Or, self._conjunction())
        return items[0] if len(items) == 1 else Or(tuple(items))

    def _conjunction(self) -> Condition:
        items = self._flat(And, self._negation())
        while self._accept("and"):
            items += self._flat(And, self._negation())
        return items[0] if len(items) == 1 else And(tuple(items))

    @staticmethod
    def _flat(kind: type[And | Or], item: Condition) -> list[Condition]:
        return list(item.items) if isinstance(item, kind) else [item]

    def _negation(self) -> Condition:
        token = self._take()
        if token.kind in {"not", "("}:
            return self._nested(token)
        if token.kind in {"number", "all", "any"}:
            return self._quantified(token)
        if token.kind == "word":
            return self._single(token)
        return self._refuse(token, "write the name of a pattern there")

    def _nested(self, opener: _Token) -> Condition:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            message = f"brackets and `not` stand more than {MAX_DEPTH} deep; write a flatter condition"
            raise ConditionError(message, opener.position)
        item: Condition
        if opener.kind == "not":
            item = Not(self._negation())
        else:
            item = self._condition()
            self._expect(")", "close the bracket with `)`")
        self._depth -= 1
        return item

    def _single(self, token: _Token) -> Condition:
        if token.text.endswith("*"):
            text = token.text
            message = f"`{text}` stands for several patterns; write `any of {text}` or `all of {text}`"
            raise ConditionError(message, token.position)
        return self._ref(token)

    def _quantified(self, quantity: _Token) -> Condition:
        self._expect("of", f"write `{quantity.text} of (...)` or `{quantity.text} of them`")
        refs = self._refs()
        if quantity.kind != "number":
            return AtLeast(len(refs) if quantity.kind == "all" else 1, refs)
        # Longer numbers are refused below all the same; int() of a very long one is slow.
        count = int(quantity.text[:9])
        if not 1 <= count <= len(refs):
            several = len(refs) > 1
            remedy = (
                f"{len(refs)} names; write a number from 1 to {len(refs)}" if several else "one name; write 1"
            )
            message = f"`{quantity.text} of` cannot be asked of {remedy}"
            raise ConditionError(message, quantity.position)
        return AtLeast(count, refs)

    def _refs(self) -> tuple[Ref, ...]:
        if not self._accept("("):
            return self._set(self._take())
        refs = self._set(self._take())
        while self._accept(","):
            refs += self._set(self._take())
        self._expect(")", "write names between `(` and `)`, with commas")
        return tuple(dict.fromkeys(refs))

    def _set(self, token: _Token) -> tuple[Ref, ...]:
        if token.kind == "them":
            return tuple(map(Ref, self._names))
        if token.kind != "word":
            return self._refuse(token, "write `them`, a name, or names in brackets there")
        if not token.text.endswith("*"):
            return (self._ref(token),)
        refs = tuple(Ref(name) for name in self._names if name.startswith(token.text[:-1]))
        if not refs:
            message = f"no pattern's name begins with `{token.text[:-1]}`; there {_listed(self._names)}"
            raise ConditionError(message, token.position)
        return refs

    def _ref(self, token: _Token) -> Ref:
        if token.text in self._names:
            return Ref(token.text)
        close = get_close_matches(token.text.lower(), self._names, n=1)
        hint = f"did you mean `{close[0]}`?" if close else f"there {_listed(self._names)}"
        message = f"no pattern is named `{token.text}`; {hint}"
        raise ConditionError(message, token.position)

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        token = self._peek()
        self._next = min(self._next + 1, len(self._tokens) - 1)
        return token

    def _accept(self, kind: str) -> bool:
        if self._peek().kind != kind:
            return False
        self._take()
        return True

    def _expect(self, kind: str, remedy: str) -> None:
        token = self._take()
        if token.kind != kind:
            self._refuse(token, remedy)

    @staticmethod
    def _refuse(token: _Token, remedy: str) -> NoReturn:
        what = "the condition ends too early" if token.kind == "end" else f"`{token.text}` cannot stand here"
        message = f"{what}; {remedy}"
        raise ConditionError(message, token.position)


_OPENERS = frozenset({"word", "number", "all", "any", "not", "("})
_LISTED = 8


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:_LISTED])
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"{'is' if len(names) == 1 else 'are'} {shown}{more}"
