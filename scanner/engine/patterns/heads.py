r"""What stands behind a bracket or a backslash: the beginnings of groups, references and calls in PCRE2's language.

Source: the pcre2pattern and pcre2syntax manual pages of PCRE2 10.47.
"""

import re
from typing import Final

_LETTERS: Final = r"(?:a[DSWPT]?|xx|[imsxJUnr])*"

INLINE: Final = re.compile(rf"\(\?(\^?)({_LETTERS})(?:-({_LETTERS}))?([:)])")
"""Flags for the rest of the group, or for a group of their own."""

NAMED: Final = re.compile(r"\(\?(?:P?<([^\W\d]\w*)>|'([^\W\d]\w*)')")

NO_CAPTURE: Final = re.compile(r"\(\?>|\(\*(?:atomic|sr|script_run|asr|atomic_script_run):")
"""Groups that do not capture, and take no other texts than a plain one."""

LOOK: Final = re.compile(
    r"\(\?(?:<?[=!*])"
    r"|\(\*(?:n?[pn]l[ab]|na[pn]l[ab]|napl[ab]|(?:non_atomic_)?(?:positive|negative)_look(?:ahead|behind)):"
    r"|\(\*(?:scs|scan_substring):\([^)]*\)"
)
"""Assertions of all kinds."""

CONDITION: Final = re.compile(
    r"\(\?\((?:[+-]?\d+|<\w+>|'\w+'|R\d*|R&\w+|VERSION>?=[\d.]+|(?!DEFINE\))[^\W\d]\w*)\)"
)
"""A conditional group with a condition that is no assertion."""

CONDITION_LOOKS: Final = re.compile(r"\(\?(?=\((?:\?<?[=!*]|\*))")
"""A conditional group whose condition is the assertion that follows."""

DEFINE: Final = re.compile(r"\(\?\(DEFINE\)")

CALL: Final = re.compile(
    r"\((?:\?(?:R|([+-]?\d+)|&(\w+)|P>(\w+)))(?:\([^()]*\))?\)|\\g(?:<([+-]?\d+)>|'([+-]?\d+)'|<(\w+)>|'(\w+)')"
)
"""A group that is called from elsewhere; groups 1, 4 and 5 are its number, 2, 3, 6 and 7 its name."""

REFERENCE: Final = re.compile(
    r"\\g\{[ \t]*([+-]?\d+)[ \t]*\}|\\g([+-]?\d+)"
    r"|\\[gk]\{[ \t]*([^\W\d]\w*)[ \t]*\}|\\k<([^\W\d]\w*)>|\\k'([^\W\d]\w*)'|\(\?P=([^\W\d]\w*)\)"
)
"""A reference back; groups 1 and 2 are the number, the others the name."""

NUMBER: Final = re.compile(r"\\([1-9]\d*)", re.ASCII)

VERB: Final = re.compile(r"\(\*(?:F|FAIL|COMMIT|PRUNE|SKIP|THEN|MARK)?(?::[^)]*)?\)")
"""Verbs that can only take matches away, and marks."""

CALLOUT: Final = re.compile(
    r"\(\?C(?:\d*|" + "|".join(rf"{q}(?:[^{q}]|{q}{q})*{q}" for q in "`'\"%#$") + r"|\^(?:[^^]|\^\^)*\^"
    r"|\{(?:[^}]|\}\})*\})\)"
)
"""Points at which nothing is called here."""

COMMENT: Final = re.compile(r"\(\?#[^)]*\)")

START: Final = re.compile(
    r"\(\*(UTF8?|UCP|LF|BSR_ANYCRLF|BSR_UNICODE|NOTEMPTY|NOTEMPTY_ATSTART|NO_AUTO_POSSESS|NO_DOTSTAR_ANCHOR|NO_JIT"
    r"|NO_START_OPT|LIMIT_(?:DEPTH|HEAP|MATCH)=\d+)\)"
)
"""Settings before the pattern that pass one may do without, or knows."""


def settings(options: frozenset[str], found: re.Match[str]) -> frozenset[str]:
    """The options in force behind an `INLINE`."""
    on, off = _letters(found[2]), _letters(found[3] or "")
    if ("x" in on and "xx" not in on) or "x" in off:
        off |= {"xx"}
    if found[1]:
        options -= {"i", "m", "n", "r", "s", "x", "xx"}
    return (options | on) - off


ASCII_OPTIONS: Final = ("aD", "aS", "aW", "aP", "aT")


def _letters(text: str) -> frozenset[str]:
    found = set(re.findall(r"a[DSWPT]?|xx|[imsxJUnr]", text))
    if "a" in found:
        found |= set(ASCII_OPTIONS)
    if "aP" in found:
        found |= {"aT"}
    if "xx" in found:
        found |= {"x"}
    return frozenset(found - {"a"})
