"""From SQL to the tree of a predicate: the only place that knows the parser.

The parser reads far more SQL than a predicate here may hold, so what is not known is refused, and so is a known
expression with a part that is not known.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

from sqlglot import exp, parse_one
from sqlglot.errors import ParseError, SqlglotError, TokenError
from sqlglot.tokens import Tokenizer

from scanner.archive.columns.paths import ColumnPath, Step
from scanner.archive.where.places import microseconds, number, spelled
from scanner.archive.where.tree import (
    Among,
    And,
    Column,
    Comparison,
    Flag,
    IsNull,
    Like,
    Node,
    Not,
    Operator,
    Or,
    Term,
    Value,
    WhereError,
)

MAX_CHARACTERS: Final = 100_000
MAX_DEPTH: Final = 50
MAX_PATTERN_CHARACTERS: Final = 1_000

_SUBSET: Final = "write comparisons of a column with a value, BETWEEN, IN, IS NULL, LIKE, AND, OR, NOT"
_OPERATORS: Final[dict[type[Any], Operator]] = {
    exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">="
}  # fmt: skip
_TURNED: Final[dict[Operator, Operator]] = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_TIMES: Final = frozenset({"DATE", "TIMESTAMP", "TIMESTAMPTZ", "DATETIME", "TIMESTAMPNTZ"})
_DEEPER: Final = {"L_PAREN": 1, "R_PAREN": -1}
_PILED: Final = frozenset(
    {"NOT", "DASH", "PLUS", "TILDE"}
)  # operators before operands, on which the parser recurses
_NO_PIECE: Final = "this is not understood here"


def parse(text: str) -> Node:
    """Reads a predicate.

    Raises:
        WhereError: It is none, or it asks for more than is understood here.
    """
    if len(text) > MAX_CHARACTERS:
        raise WhereError(0, f"the predicate is longer than {MAX_CHARACTERS} characters; shorten it")
    _check_tokens(text)
    try:
        # In parentheses, because the parser takes some words for statements at the beginning of a text.
        parsed = parse_one(f"({text})", into=exp.Condition)
        return _node(parsed)
    except (ParseError, TokenError) as error:
        raise _failure(text, error) from error
    except (SqlglotError, RecursionError, ValueError) as error:
        raise WhereError(0, f"is not understood; {_SUBSET}") from error


def _check_tokens(text: str) -> None:
    """Refuses what would be lost or mistaken once it is parsed."""
    depth, before = 0, ""
    for token in _tokens(text):
        kind = token.token_type.name
        if token.comments:
            raise WhereError(token.start, "holds a comment; write comments in the hunt file, after `#`")
        if kind == "SEMICOLON":
            raise WhereError(token.start, "holds a `;`; write one predicate and nothing else")
        depth += _DEEPER.get(kind, 0) + (kind in _PILED and before in _PILED)
        if depth < 0:
            raise WhereError(token.start, "this `)` has no `(`")
        if depth > MAX_DEPTH:
            raise WhereError(token.start, f"is nested deeper than {MAX_DEPTH} times; write it flatter")
        before = kind
    if not before:
        raise WhereError(0, f"is empty; {_SUBSET}")


def _tokens(text: str) -> list[Any]:
    try:
        return list(Tokenizer().tokenize(text))
    except TokenError as error:
        raise _failure(text, error) from error


def _failure(text: str, error: ParseError | TokenError) -> WhereError:
    if isinstance(error, TokenError):
        return WhereError(0, "a quote is not closed")
    found = error.errors[0] if error.errors else {}
    start = _offset(text, found.get("line") or 1, found.get("col") or 1, found.get("highlight") or "")
    return WhereError(
        start, f"is not understood from here on; {_SUBSET}; names that are words of SQL go in double quotes"
    )


def _offset(text: str, line: int, column: int, highlight: str) -> int:
    """Where a token begins, whose last character the parser tells by line and column of the text in parentheses."""
    before = sum(map(len, text.splitlines(keepends=True)[: line - 1]))
    inside = column - len(highlight) - (line == 1)
    return min(max(0, before + inside), max(0, len(text) - 1))


def _node(parsed: Any) -> Node:
    inner = _without_parentheses(parsed)
    if isinstance(inner, exp.And | exp.Or):
        _only(inner, "this", "expression")
        items = tuple(_node(item) for item in _operands(inner))
        return And(_flat(And, items)) if isinstance(inner, exp.And) else Or(_flat(Or, items))
    if isinstance(inner, exp.Not):
        _only(inner, "this")
        return Not(_node(inner.this))
    return _term(inner)


def _flat(kind: type[And | Or], items: tuple[Node, ...]) -> tuple[Node, ...]:
    """Operands, with those of operands of the same kind, which parentheses only group."""
    return tuple(each for item in items for each in (item.items if isinstance(item, kind) else (item,)))


def _operands(chain: Any) -> list[Any]:
    """The operands of a chain of one operator, which leans to the left and may be thousands long."""
    kind = type(chain)
    operands: list[Any] = []
    left = chain
    while isinstance(left, kind):
        operands.append(left.expression)
        left = left.this
    operands.append(left)
    return operands[::-1]


def _term(parsed: Any) -> Node:
    read = _READERS.get(type(parsed))
    if read is None:
        raise _refused(parsed, _HINTS.get(type(parsed), f"{_NO_PIECE}; {_SUBSET}"))
    return read(parsed)


def _comparison(parsed: Any) -> Node:
    _only(parsed, "this", "expression")
    operator = _OPERATORS[type(parsed)]
    left, right = _without_parentheses(parsed.this), _without_parentheses(parsed.expression)
    if not _is_column(left) and _is_column(right):
        left, right, operator = right, left, _TURNED[operator]
    column, value = _column(left), _value(right)
    if value.kind == "boolean" and operator not in {"=", "<>"}:
        raise _refused(right, "TRUE and FALSE have no order; write = or <>")
    return Comparison(column, operator, value)


def _between(parsed: Any) -> Node:
    _only(parsed, "this", "low", "high")
    column, low, high = _column(parsed.this), _value(parsed.args["low"]), _value(parsed.args["high"])
    if "boolean" in {low.kind, high.kind}:
        raise _refused(parsed, "TRUE and FALSE have no order; write = or <>")
    return And((Comparison(column, ">=", low), Comparison(column, "<=", high)))


def _in(parsed: Any) -> Node:
    _only(parsed, "this", "expressions")
    values = [_value(each) for each in parsed.expressions]
    if not values:
        raise _refused(parsed, "the list after IN is empty; write values in it")
    if len({value.kind for value in values}) > 1:
        raise _refused(parsed, "the list after IN mixes kinds of values; write values of one kind")
    return Among(_column(parsed.this), frozenset(values))


def _is(parsed: Any) -> Node:
    _only(parsed, "this", "expression")
    if not isinstance(parsed.expression, exp.Null):
        raise _refused(
            parsed, "only IS NULL and IS NOT NULL are understood here; for booleans write = TRUE or = FALSE"
        )
    return IsNull(_column(parsed.this))


def _like(parsed: Any, escape: str = "") -> Node:
    _only(parsed, "this", "expression", "negate")
    pattern = _without_parentheses(parsed.expression)
    if not _is_text(pattern):
        raise _refused(parsed, "LIKE takes one pattern in quotes; write several with OR")
    if len(pattern.this) > MAX_PATTERN_CHARACTERS:
        raise _refused(
            pattern, f"this pattern is longer than {MAX_PATTERN_CHARACTERS} characters; shorten it"
        )
    if escape and (len(pattern.this) - len(pattern.this.rstrip(escape))) % 2:
        raise _refused(pattern, "this pattern ends with its escape character; write a character after it")
    like = Like(_column(parsed.this), _encodable(pattern), escape, isinstance(parsed, exp.ILike))
    return Not(like) if parsed.args.get("negate") else like


def _escape(parsed: Any) -> Node:
    _only(parsed, "this", "expression")
    if not isinstance(parsed.this, exp.Like | exp.ILike):
        raise _refused(parsed, f"{_NO_PIECE}; {_SUBSET}")
    if not _is_text(parsed.expression) or len(parsed.expression.this) != 1:
        raise _refused(parsed, "ESCAPE takes one character in quotes")
    return _like(parsed.this, parsed.expression.this)


def _flag(parsed: Any) -> Term:
    return Flag(_column(parsed))


_READERS: Final[dict[type[Any], Callable[[Any], Node]]] = {
    **dict.fromkeys(_OPERATORS, _comparison),
    exp.Between: _between,
    exp.In: _in,
    exp.Is: _is,
    exp.Escape: _escape,
    exp.Like: _like,
    exp.ILike: _like,
    exp.Column: _flag,
    exp.Dot: _flag,
}
_HINTS: Final[dict[type[Any], str]] = {
    exp.Boolean: "a predicate needs a column; leave `where` out to hunt every record",
    exp.Null: "NULL alone is never true; write IS NULL after a column",
    exp.Literal: "a value alone is no predicate; compare a column with it",
    exp.Subquery: "queries are not understood here; write the values themselves",
    exp.Exists: "queries are not understood here; write the values themselves",
    exp.NullSafeEQ: "IS NOT DISTINCT FROM is not understood here; write = and IS NULL",
    exp.NullSafeNEQ: "IS DISTINCT FROM is not understood here; write <> and IS NULL",
    exp.RegexpLike: "regular expressions are not understood here; write LIKE, or a signature",
}


def _column(parsed: Any) -> Column:
    inner = _without_parentheses(parsed)
    if isinstance(inner, exp.Func):
        raise _refused(inner, "functions are not understood here; compare the column itself")
    if isinstance(inner, exp.Bracket):
        raise _refused(inner, "a column in a list or a map has many values in a record; name another one")
    if not _is_column(inner):
        raise _refused(inner, f"a column is missing here; {_SUBSET}")
    names = list(_names(inner))
    if any(not isinstance(name, exp.Identifier) or not name.this for name in names):
        raise _refused(
            inner, "this is no name of a column; write names as in the archive, odd ones in double quotes"
        )
    steps = tuple(Step(name.this) for name in names)
    return Column(str(ColumnPath(steps)), _position(inner))


def _names(parsed: Any) -> Iterator[Any]:
    """The parts of a dotted name, outermost first."""
    if isinstance(parsed, exp.Dot):
        yield from _names(parsed.this)
        yield parsed.expression
        return
    _only(parsed, "this", "table", "db", "catalog")
    yield from (parsed.args[part] for part in ("catalog", "db", "table") if parsed.args.get(part) is not None)
    yield parsed.this


def _is_column(parsed: Any) -> bool:
    return isinstance(parsed, exp.Column) or (isinstance(parsed, exp.Dot) and _is_column(parsed.this))


def _value(parsed: Any) -> Value:
    inner: Any = _without_parentheses(parsed)
    if _is_text(inner):
        return Value("text", _encodable(inner))
    if isinstance(inner, exp.Boolean):
        return Value("boolean", str(bool(inner.this)).lower())
    if isinstance(inner, exp.Cast):
        return _time(inner)
    if isinstance(inner, exp.Neg) and _is_number(inner.this):
        return _number(inner, f"-{inner.this.this}")
    if _is_number(inner):
        return _number(inner, inner.this)
    raise _refused(inner, _why_no_value(inner))


def _why_no_value(parsed: Any) -> str:
    if isinstance(parsed, exp.Null):
        return "a comparison with NULL is never true; write IS NULL"
    if _is_column(parsed):
        name = parsed.sql()
        return f"a column is compared with another one; if {name} is a text, write it in single quotes"
    if isinstance(parsed, exp.Func):
        return "functions are not understood here; write the value itself"
    return (
        "a value is missing here; write a text in single quotes, a number, TRUE, FALSE, or DATE '2026-01-31'"
    )


def _number(parsed: Any, digits: str) -> Value:
    if number(digits) is None:
        raise _refused(parsed, "this is no number of at most 100 digits")
    return Value("number", digits)


def _time(parsed: Any) -> Value:
    if (
        parsed.to.this.name not in _TIMES
        or parsed.to.expressions
        or not _is_text(_without_parentheses(parsed.this))
    ):
        raise _refused(
            parsed, "only DATE '…' and TIMESTAMP '…' are understood here; compare the column itself"
        )
    moment = microseconds(_without_parentheses(parsed.this).this)
    if moment is None:
        raise _refused(
            parsed, "this is no date or time; write it as in '2026-01-31' or '2026-01-31 18:30:00'"
        )
    value = Value("time", spelled(moment))
    if parsed.to.this.name == "DATE" and not str(value).startswith("DATE"):
        raise _refused(parsed, "this is a time; write TIMESTAMP instead of DATE")
    return value


def _is_text(parsed: Any) -> bool:
    return isinstance(parsed, exp.Literal) and bool(parsed.is_string)


def _is_number(parsed: Any) -> bool:
    return isinstance(parsed, exp.Literal) and not parsed.is_string


def _encodable(literal: Any) -> str:
    text: str = literal.this
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise _refused(literal, "this text holds half a character; write whole ones")
    return text


def _without_parentheses(parsed: Any) -> Any:
    while isinstance(parsed, exp.Paren):
        parsed = parsed.this
    return parsed


def _only(parsed: Any, *known: str) -> None:
    if any(value for part, value in parsed.args.items() if part not in known):
        raise _refused(parsed, f"{_NO_PIECE}; {_SUBSET}")


def _refused(parsed: Any, message: str) -> WhereError:
    return WhereError(_position(parsed), message)


def _position(parsed: Any) -> int:
    """Where the first name or value of an expression stands; the parser knows no more."""
    starts = [node.meta["start"] for node in parsed.walk() if "start" in node.meta]
    return max(0, min(starts, default=1) - 1)
