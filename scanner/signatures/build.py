"""From one signature of a document to a `Signature`, or to everything that is wrong with it."""

import re
from dataclasses import dataclass

from scanner.errors import Problem
from scanner.signatures.condition import (
    KEYWORDS,
    Condition,
    ConditionError,
    Ref,
    evaluate,
    mentioned,
    parse,
)
from scanner.signatures.digests import logic_digest
from scanner.signatures.entry import Entry
from scanner.signatures.model import Examples, Pattern, RegexPattern, Signature
from scanner.signatures.patterns import KINDS, OPTIONS, build_pattern, check_text
from scanner.signatures.shape import check_shape
from scanner.signatures.source import Document, Path
from scanner.signatures.syntax import SignatureSyntax

ONE_PATTERN = "pattern"
"""Name of the pattern of a signature that has no map of them."""

_Placed = tuple[Path, Pattern | None]
"""A pattern, and where it stands; None where it could not be read."""


@dataclass(frozen=True, slots=True)
class Built:
    """What became of one signature of a file.

    Attributes:
        signature: The signature; None where anything is wrong with it.
        problems: All that is wrong with it, in the order of the lines.
        flawed: Where anything is wrong, the signature with no more than those of its regular expressions of which
            nothing is, so that they can be compiled and told of too; None where there are none.
    """

    signature: Signature | None
    problems: list[Problem]
    flawed: Signature | None = None


def build_signature(document: Document, index: int, file: str) -> Built:
    """Builds one signature of a file.

    Args:
        document: The file; ``signatures`` is a list in it.
        index: Which of its signatures.
        file: Path of the file as the user named it.
    """
    entry = Entry(document, index, file)
    if not entry.value:
        entry.report((), "a signature must be a map; write `- id: ...` and its other keys below")
        return Built(None, entry.problems())
    shape = check_shape(entry.value)
    for path, message in shape.wrong:
        entry.report(path, message)
    patterns = _patterns(entry, shape.syntax)
    allow = _allow(entry, shape.syntax)
    signature = _signature(entry, shape.syntax, _built(patterns), _built(allow))
    problems = entry.problems()
    return Built(None, problems, _flawed(entry, (*patterns, *allow))) if problems else Built(signature, [])


def _built(patterns: list[_Placed]) -> tuple[Pattern, ...]:
    return tuple(pattern for _, pattern in patterns if pattern is not None)


def _flawed(entry: Entry, patterns: tuple[_Placed, ...]) -> Signature | None:
    regexes = tuple(
        pattern
        for path, pattern in patterns
        if isinstance(pattern, RegexPattern)
        and not any(entry.is_wrong((*path, key)) for key in (*KINDS, *OPTIONS))
    )
    if not regexes:
        return None
    line = entry.mark(("id",)).line if entry.has(("id",)) else 0
    return Signature(entry.subject, regexes, Ref(regexes[0].name), "", file=entry.file, line=line)


def _signature(
    entry: Entry, syntax: SignatureSyntax, patterns: tuple[Pattern, ...], allow: tuple[Pattern, ...]
) -> Signature | None:
    condition = _condition(entry, syntax)
    examples = _examples(entry, syntax)
    if condition is None:
        return None
    columns = tuple(dict.fromkeys(syntax.columns)) or None
    views = tuple(dict.fromkeys(syntax.views))
    return Signature(
        id=syntax.id,
        patterns=patterns,
        condition=condition,
        digest=logic_digest(patterns, condition, columns, views, allow),
        name=syntax.name,
        status=syntax.status,
        severity=syntax.severity,
        category=syntax.category,
        description=syntax.description,
        author=syntax.author,
        created=syntax.created,
        expires=syntax.expires,
        references=syntax.references,
        tags=syntax.tags,
        columns=columns,
        views=views,
        allow=allow,
        examples=examples,
        file=entry.file,
        line=entry.mark(("id",)).line,
    )


def _patterns(entry: Entry, syntax: SignatureSyntax) -> list[_Placed]:
    if not entry.has(("patterns",)):
        return [((), build_pattern(entry, (), syntax, ONE_PATTERN))]
    for key in (*KINDS, *OPTIONS):
        if entry.has((key,)):
            entry.report((key,), f"`{key}` cannot stand beside `patterns`; move it into one of them")
    return [
        (("patterns", name), build_pattern(entry, ("patterns", name), pattern, name))
        for name, pattern in syntax.patterns.items()
    ]


def _condition(entry: Entry, syntax: SignatureSyntax) -> Condition | None:
    if not entry.has(("patterns",)):
        if entry.has(("condition",)):
            entry.report(("condition",), "one pattern needs no condition; remove it, or write `patterns`")
        return Ref(ONE_PATTERN)
    names = entry.names()
    if entry.is_wrong(("patterns",)) or entry.is_wrong(("condition",)) or not _names_are_right(entry, names):
        return None
    if not entry.has(("condition",)):
        if len(names) == 1:
            return Ref(names[0])
        entry.report(("patterns",), "several patterns need a condition; write e.g. `condition: any of them`")
        return None
    return _parsed(entry, syntax.condition, names)


def _names_are_right(entry: Entry, names: tuple[str, ...]) -> bool:
    for name in names:
        if name in KEYWORDS:
            message = f"`{name}` is a word of the condition language; give the pattern another name"
            entry.report(("patterns", name), message)
    return all(re.fullmatch(r"[a-z_][a-z0-9_]{0,63}", name) and name not in KEYWORDS for name in names)


def _parsed(entry: Entry, text: str, names: tuple[str, ...]) -> Condition | None:
    try:
        condition = parse(text, names)
    except ConditionError as error:
        entry.report(("condition",), str(error))
        return None
    if evaluate(condition, lambda _: False):
        message = "the condition is true where no pattern matches; add `and` with a pattern that must match"
        entry.report(("condition",), message)
    for name in names:
        if name not in mentioned(condition):
            entry.report(
                ("patterns", name), f"the condition does not use `{name}`; use it there or remove it"
            )
    return condition


def _allow(entry: Entry, syntax: SignatureSyntax) -> list[_Placed]:
    written = entry.value.get("allow")
    # Items that are no maps are not in the syntax, so the numbers of the two differ.
    items = enumerate(written if isinstance(written, list) else ())
    places = [place for place, item in items if isinstance(item, dict)]
    return [
        (("allow", place), build_pattern(entry, ("allow", place), pattern, f"allow_{place + 1}"))
        for place, pattern in zip(places, syntax.allow, strict=True)
    ]


def _examples(entry: Entry, syntax: SignatureSyntax) -> Examples:
    written = entry.value.get("examples")
    lines = []
    for kind in ("match", "no_match"):
        texts = written.get(kind, []) if isinstance(written, dict) else []
        for place in range(len(texts)):
            path = ("examples", kind, place)
            check_text(entry, path)
            lines.append(entry.mark(path).line)
    return Examples(syntax.examples.match, syntax.examples.no_match, tuple(lines))
