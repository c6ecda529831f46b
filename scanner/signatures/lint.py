"""What is right in a signature and yet unlikely to be meant."""

import re
from collections.abc import Iterator, Sequence
from datetime import date

from scanner.errors import Problem
from scanner.signatures.model import LiteralPattern, RegexPattern, Signature

_LIKE_A_REGEX = re.compile(r"\\[bBdDsSwW]|\.[*+]|\(\?[:i]|\[[^\]]*-[^\]]*\][*+{]")
_BORDER_FIRST = re.compile(r"\\b[(?:\[]*([^\x00-\x7f])")
_BORDER_LAST = re.compile(r"([^\x00-\x7f])[)\]]*\\b")
_UNICODE = frozenset({"python", "rust"})
"""Dialects in which `\\b` is Unicode's without a flag."""
_NO_BORDER = r"`\b` beside a letter beyond ASCII is no word border without flag `u`; add it to `flags`"
_NO_BORDER_IN_RE2 = (
    r"`\b` beside a letter beyond ASCII is no word border in RE2; write `(?:^|[^\pL])` before it, "
    r"`(?:[^\pL]|$)` behind it"
)


def lint(signatures: Sequence[Signature], today: date) -> tuple[Problem, ...]:
    """Finds what its author most likely did not mean; every problem is a warning.

    Args:
        signatures: In the order of their files.
        today: Signatures that expire on this day or before it count as expired.

    Returns:
        Warnings in the order of the signatures.
    """
    first: dict[str, str] = {}
    return tuple(
        Problem(signature.file, line, signature.id, message, warning=True)
        for signature in signatures
        for line, message in (
            *((signature.line, message) for message in _examples(signature)),
            *((signature.line, message) for message in _life(signature, today)),
            *_texts(signature),
            *((signature.line, message) for message in _twin(signature, first)),
        )
    )


def _examples(signature: Signature) -> Iterator[str]:
    examples = signature.examples
    if not examples.match and not examples.no_match:
        yield "there are no examples; write `examples: {match: [...], no_match: [...]}`, which `test` runs"
    elif not examples.match:
        yield "no example shows what it hits; write one under `examples`, `match`"
    elif not examples.no_match:
        yield "no example shows what it must not hit; write one under `examples`, `no_match`"


def _life(signature: Signature, today: date) -> Iterator[str]:
    if signature.expires is not None and signature.expires <= today:
        yield f"it expired on {signature.expires}, so no hunt runs it; remove it, or write a later `expires`"
    if signature.status == "deprecated":
        yield "it is deprecated and still runs; remove it, or write `expires`"


def _texts(signature: Signature) -> Iterator[tuple[int, str]]:
    for pattern in (*signature.patterns, *signature.allow):
        found = _regex(pattern) if isinstance(pattern, RegexPattern) else _literals(pattern)
        for message in found:
            yield pattern.line or signature.line, f"pattern `{pattern.name}`: {message}"


def _regex(pattern: RegexPattern) -> Iterator[str]:
    # An escaped backslash before a `b` is no border.
    text = pattern.regex.replace(r"\\", "")
    if "u" in pattern.flags or pattern.dialect in _UNICODE or text.startswith("(*UCP)"):
        return
    beside = [found[1] for border in (_BORDER_FIRST, _BORDER_LAST) for found in border.finditer(text)]
    if any(char.isalnum() for char in beside):
        yield _NO_BORDER_IN_RE2 if pattern.dialect == "re2" else _NO_BORDER


def _literals(pattern: LiteralPattern) -> Iterator[str]:
    if any(literal != literal.strip() for literal in pattern.literals):
        yield "a literal begins or ends with a space, which must match as well; remove the space"
    if any(_LIKE_A_REGEX.search(literal) for literal in pattern.literals):
        yield "the literal looks like a regex and is looked for as it stands; write `regex` if it is one"


def _twin(signature: Signature, first: dict[str, str]) -> Iterator[str]:
    other = first.setdefault(signature.digest, signature.id)
    if other != signature.id:
        yield f"it hits exactly what `{other}` hits; remove one of them"
