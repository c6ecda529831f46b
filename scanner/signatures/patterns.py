"""Patterns: from what stands under ``regex``, ``literal`` or ``list`` to what is compiled."""

from collections.abc import Callable, Mapping

from scanner.signatures.entry import Entry
from scanner.signatures.lists import ListError, read_list
from scanner.signatures.model import Dialect, LiteralPattern, Pattern, RegexPattern
from scanner.signatures.source import Path
from scanner.signatures.syntax import PatternSyntax

KINDS = ("regex", "literal", "list")
OPTIONS = ("flags", "whole_word", "dialect")
"""Keys of a pattern beside its kind."""

_REGEX_FLAGS: Mapping[Dialect, str] = {"pcre": "imsxu", "re2": "ims", "python": "imsxu", "rust": "imsxu"}
"""The flags that there are at home; under ``python`` and ``rust`` everything is Unicode, with ``u`` or without."""
_SWALLOWED = {"\b": r"\b", "\v": r"\v", "\x85": r"\N", "\xa0": r"\_", "\u2028": r"\L", "\u2029": r"\P"}
"""What YAML makes of those escapes in double quotes that mean something else to a regex."""


def build_pattern(entry: Entry, path: Path, syntax: PatternSyntax, name: str) -> Pattern | None:
    """Builds the pattern at a path; None where anything is wrong with it, which the entry then knows."""
    kinds = [kind for kind in KINDS if entry.has((*path, kind))]
    if len(kinds) != 1:
        entry.report(path, _not_one(kinds, path))
        return None
    if entry.is_wrong((*path, kinds[0])):
        return None
    return _BUILDERS[kinds[0]](entry, path, syntax, name)


def check_text(entry: Entry, path: Path) -> None:
    """Reports a text that YAML cut short without a word."""
    if entry.mark(path).cut:
        message = (
            "YAML takes what follows ` #` for a comment; put the text in single quotes, or write a space "
            "after the `#` if it is a comment"
        )
        entry.report(path, message)


def _not_one(kinds: list[str], path: Path) -> str:
    if kinds:
        both = " and ".join(f"`{kind}`" for kind in kinds)
        return f"one pattern cannot have {both}; keep one, or write several patterns under `patterns`"
    if path:
        return "the pattern is missing; write `regex`, `literal` or `list`"
    return "there is no pattern; write `regex`, `literal` or `list`, or several of them under `patterns`"


def _regex(entry: Entry, path: Path, syntax: PatternSyntax, name: str) -> RegexPattern:
    here = (*path, "regex")
    flags = _regex_flags(entry, path, syntax)
    check_text(entry, here)
    if entry.mark(here).style == '"':
        swallowed = next((char for char in syntax.regex if char in _SWALLOWED), None)
        if swallowed is not None:
            message = f"YAML turned `{_SWALLOWED[swallowed]}` into a control character or space"
            entry.report(here, f"{message}; write the regex in single quotes")
    if "x" not in flags:
        _check_last_line(entry, here, syntax.regex)
    if entry.has((*path, "whole_word")):
        entry.report(
            (*path, "whole_word"), r"`whole_word` is for literals and lists; write `\b` in the regex"
        )
    return RegexPattern(name, syntax.regex, flags, entry.mark(here).line, syntax.dialect)


def _literal(entry: Entry, path: Path, syntax: PatternSyntax, name: str) -> LiteralPattern:
    here = (*path, "literal")
    check_text(entry, here)
    if not syntax.literal.strip():
        entry.report(here, "`literal` is blank; write the text to look for")
    _check_last_line(entry, here, syntax.literal)
    flags = _literal_flags(entry, path, syntax)
    return LiteralPattern(name, (syntax.literal,), flags, syntax.whole_word, entry.mark(here).line)


def _list(entry: Entry, path: Path, syntax: PatternSyntax, name: str) -> LiteralPattern | None:
    here = (*path, "list")
    flags = _literal_flags(entry, path, syntax)
    try:
        literals, problems = read_list(syntax.list_, entry.folder, entry.subject)
    except ListError as error:
        entry.report(here, error.message)
        return None
    entry.report_elsewhere(here, problems)
    return LiteralPattern(name, literals, flags, syntax.whole_word, entry.mark(here).line)


def _regex_flags(entry: Entry, path: Path, syntax: PatternSyntax) -> str:
    known = _REGEX_FLAGS[syntax.dialect]
    unknown = set(syntax.flags) - set(known)
    if unknown:
        where = "" if known == _REGEX_FLAGS["pcre"] else f" of dialect {syntax.dialect}"
        entry.report(
            (*path, "flags"), f"a regex{where} has no flag {_listed(unknown)}; write some of `{known}`"
        )
    return "".join(sorted(set(syntax.flags)))


def _literal_flags(entry: Entry, path: Path, syntax: PatternSyntax) -> str:
    unknown = set(syntax.flags) - {"i"}
    if unknown:
        message = (
            f"a literal has no flag {_listed(unknown)}; write `i`, which ignores case, or remove `flags`"
        )
        entry.report((*path, "flags"), message)
    if entry.has((*path, "dialect")):
        entry.report((*path, "dialect"), "`dialect` is for a regex, and a literal has none; remove it")
    return "".join(sorted(set(syntax.flags)))


def _listed(letters: set[str]) -> str:
    return ", ".join(f"`{letter}`" for letter in sorted(letters))


def _check_last_line(entry: Entry, path: Path, text: str) -> None:
    style = entry.mark(path).style
    if style in {"|", ">"} and text.endswith("\n"):
        entry.report(path, f"`{style}` adds a line break that must then match; write `{style}-`")


_BUILDERS: Mapping[str, Callable[[Entry, Path, PatternSyntax, str], Pattern | None]] = {
    "regex": _regex,
    "literal": _literal,
    "list": _list,
}
