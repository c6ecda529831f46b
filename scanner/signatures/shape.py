"""Checks the shape of one signature and says in plain words what is wrong with it."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from scanner.signatures.source import Path, Value
from scanner.signatures.syntax import NOT_A_DATE, ExamplesSyntax, PatternSyntax, SignatureSyntax

NOT_BUILT_KEYS = frozenset({"check"})
NOT_BUILT_VIEWS = frozenset({"folded", "decoded"})

_SHOWN_CHARS = 40
_NO_ID = "no-id"


@dataclass(frozen=True, slots=True)
class Shape:
    """What of a signature has the right shape.

    Attributes:
        syntax: The signature without the parts that have not; with a meaningless id where its own is wrong.
        wrong: Path of each part that was left out and what is wrong with it, below the signature.
    """

    syntax: SignatureSyntax
    wrong: tuple[tuple[Path, str], ...]


def check_shape(entry: Mapping[str, Value]) -> Shape:
    """Checks one signature of a file, and keeps of it what can be checked further."""
    wrong: tuple[tuple[Path, str], ...] | None = None
    rest: dict[str, Any] = _copied(entry)
    while True:
        try:
            syntax = SignatureSyntax.model_validate(rest)
        except ValidationError as error:
            errors = error.errors(include_url=False)
            # What is wrong only because something wrong was taken out of it is nobody's mistake.
            wrong = wrong or tuple((_path(found), _explained(found)) for found in errors)
            for path in sorted({_path(found) for found in errors}, key=_inner_and_last_first):
                _remove(rest, path)
        else:
            return Shape(syntax, wrong or ())


def shown(text: str) -> str:
    """A text of the author's in a message: quoted, and cut where it is long."""
    cut = text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}…"
    return f"`{cut}`"


def did_you_mean(word: str, words: Sequence[str]) -> str:
    """Names the likeliest of some words, or all of them."""
    close = get_close_matches(word.lower(), words, n=1)
    return f"did you mean `{close[0]}`?" if close else f"write one of {', '.join(words)}"


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


def _path(error: ErrorDetails) -> Path:
    return tuple(part for part in error["loc"] if part != "[key]")


def _inner_and_last_first(path: Path) -> tuple[int, list[int]]:
    # Removing an item moves those behind it.
    return -len(path), [-part for part in path if isinstance(part, int)]


def _remove(tree: dict[str, Any], path: Path) -> None:
    if path == ("id",):
        tree["id"] = _NO_ID
        return
    around: Any = tree
    for part in path[:-1]:
        around = around[part]
    del around[path[-1]]


def _explained(error: ErrorDetails) -> str:
    path = _path(error)
    if error["loc"][-1] == "[key]":
        name = shown(str(path[-1]))
        return (
            f"{name} cannot name a pattern; write at most 64 small letters, digits and `_`, e.g. `wallet_2`"
        )
    return _WORDS[error["type"]](_subject(path), error)


def _subject(path: Path) -> str:
    """``severity`` as a key in quotes, ``tags[2]`` as the item it is."""
    if isinstance(path[-1], int):
        return f"item {path[-1] + 1} of `{path[-2]}`"
    return shown(path[-1])


def _missing(subject: str, _: ErrorDetails) -> str:
    return f"{subject} is missing; write e.g. `{subject.strip('`')}: fraud.crypto-doubling`"


def _unknown(subject: str, error: ErrorDetails) -> str:
    key = str(error["loc"][-1])
    if key in NOT_BUILT_KEYS:
        return f"`{key}` is not built yet; remove it"
    keys = _keys(_model(_path(error)[:-1]))
    return f"{subject} is not a key here; {did_you_mean(key, keys)}"


def _model(path: Path) -> type[BaseModel]:
    if not path:
        return SignatureSyntax
    return ExamplesSyntax if path[0] == "examples" else PatternSyntax


def _keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _not_text(subject: str, error: ErrorDetails) -> str:
    kind = "list" if isinstance(error["input"], list) else "map"
    return (
        f"{subject} is a {kind} and must be a text; put it in single quotes where it holds brackets or `: `"
    )


def _not_list(subject: str, error: ErrorDetails) -> str:
    value = error["input"]
    simple = isinstance(value, str) and re.fullmatch(r"[\w.-]{1,40}", value)
    example = f"[{value}]" if simple else "[{...}]" if isinstance(value, dict) else "['...']"
    return f"{subject} must be a list; write `{example}`, or one item a line after `- `"


def _not_map(subject: str, error: ErrorDetails) -> str:
    root = error["loc"][0]
    examples = {"examples": "examples: {match: [...], no_match: [...]}", "allow": "allow: [{literal: ...}]"}
    example = examples.get(str(root), "patterns: {wallet: {regex: '...'}}")
    return f"{subject} must be a map; write e.g. `{example}`"


def _wrong_word(subject: str, error: ErrorDetails) -> str:
    word = error["input"]
    if not isinstance(word, str):
        return _not_text(subject, error)
    if error["loc"][0] == "views":
        what = "is not built yet" if word in NOT_BUILT_VIEWS else "is not known"
        return f"the view {shown(word)} {what}; write `views: [raw]` or remove `views`"
    words = re.findall(r"'([^']*)'", str(error["ctx"]["expected"]))
    return f"{subject} cannot be {shown(word)}; {did_you_mean(word, words)}"


def _too_long(subject: str, error: ErrorDetails) -> str:
    context = error["ctx"]
    if error["type"] == "too_long":
        return f"{subject} has {context['actual_length']:,} items; {context['max_length']:,} are allowed"
    advice = "; put many literals into a `list:`" if error["loc"][-1] in {"regex", "literal"} else ""
    return f"{subject} is longer than {context['max_length']:,} characters; shorten it{advice}"


def _bad_id(_: str, error: ErrorDetails) -> str:
    return (
        f"{shown(error['input'])} cannot be an id; write small letters, digits, `.`, `_` and `-`, a letter "
        "or digit first, e.g. `fraud.crypto-doubling`"
    )


def _bad_date(subject: str, error: ErrorDetails) -> str:
    value = error["input"]
    what = shown(value) if isinstance(value, str) else "a list or map"
    return f"{subject} cannot be {what}; write a day as year-month-day, e.g. `2026-01-31`"


def _empty(subject: str, _: ErrorDetails) -> str:
    return f"{subject} is empty; write something there or remove it"


def _no_boolean(subject: str, _: ErrorDetails) -> str:
    return f"{subject} must be `true` or `false`"


_WORDS: Mapping[str, Callable[[str, ErrorDetails], str]] = {
    "missing": _missing,
    "extra_forbidden": _unknown,
    "string_type": _not_text,
    "string_too_short": _empty,
    "string_too_long": _too_long,
    "string_pattern_mismatch": _bad_id,
    "literal_error": _wrong_word,
    "tuple_type": _not_list,
    "dict_type": _not_map,
    "model_type": _not_map,
    "too_short": _empty,
    "too_long": _too_long,
    "bool_parsing": _no_boolean,
    "bool_type": _no_boolean,
    NOT_A_DATE: _bad_date,
}
"""Type of a pydantic error → what it is in plain words; every type that the syntax can yield."""
