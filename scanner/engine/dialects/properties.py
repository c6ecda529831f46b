"""Unicode properties under the names that other engines give them.

PCRE2 knows general categories by their short names only, and reads the bare name of a script as script extensions,
which elsewhere it is not.

Source: https://www.unicode.org/Public/16.0.0/ucd/PropertyValueAliases.txt; the pcre2pattern manual page of PCRE2 10.47;
https://docs.rs/regex/latest/regex/#unicode and UNICODE.md beside it.
"""

import re
from functools import lru_cache
from typing import Final

from scanner.engine.dialects.sets import EVERYTHING, negate, property_members
from scanner.engine.patterns.classes import Ranges
from scanner.engine.pcre import PatternRefused

_CATEGORIES: Final = {
    "casedletter": "L&", "lc": "L&", "l&": "L&",
    "letter": "L", "uppercaseletter": "Lu", "lowercaseletter": "Ll", "titlecaseletter": "Lt", "modifierletter": "Lm",
    "otherletter": "Lo", "mark": "M", "combiningmark": "M", "nonspacingmark": "Mn", "spacingmark": "Mc",
    "enclosingmark": "Me", "number": "N", "decimalnumber": "Nd", "letternumber": "Nl", "othernumber": "No",
    "punctuation": "P", "connectorpunctuation": "Pc", "dashpunctuation": "Pd", "openpunctuation": "Ps",
    "closepunctuation": "Pe", "initialpunctuation": "Pi", "finalpunctuation": "Pf", "otherpunctuation": "Po",
    "symbol": "S", "mathsymbol": "Sm", "currencysymbol": "Sc", "modifiersymbol": "Sk", "othersymbol": "So",
    "separator": "Z", "spaceseparator": "Zs", "lineseparator": "Zl", "paragraphseparator": "Zp",
    "other": "C", "control": "Cc", "format": "Cf", "surrogate": "Cs", "privateuse": "Co", "unassigned": "Cn",
}  # fmt: skip
_SHORT: Final = {name.lower(): name for name in _CATEGORIES.values()}
_SPLIT: Final = re.compile(r"(!=|=|:)")
_KEYS: Final = {
    "gc": "gc", "generalcategory": "gc", "category": "gc",
    "sc": "sc", "script": "sc",
    "scx": "scx", "scriptextensions": "scx",
}  # fmt: skip


@lru_cache(maxsize=1_000)
def property_named(name: str) -> Ranges | None:
    r"""Members of a property, or None where PCRE2 has none of this name.

    Args:
        name: What stands in ``\p{…}``: a category, a script, a property that holds or does not, ``any``, ``ascii``
            or ``assigned``; or one of ``gc=…``, ``sc=…`` and ``scx=…``. Case, spaces, ``_`` and ``-`` do not count.
    """
    key, operator, value = _SPLIT.split(name, maxsplit=1) if _SPLIT.search(name) else ("", "", name)
    value = _loose(value)
    if not operator:
        return _special(value) or _category(value) or _known(f"sc:{value}") or _known(value)
    kind = _KEYS.get(_loose(key))
    found = _category(value) if kind == "gc" else _known(f"{kind}:{value}") if kind else None
    return negate(found) if found is not None and operator == "!=" else found


def _loose(text: str) -> str:
    return re.sub(r"[\s_-]", "", text).lower()


def _special(name: str) -> Ranges | None:
    if name == "assigned":
        return negate(property_members(r"\p{Cn}"))
    return {"any": EVERYTHING, "ascii": ((0x00, 0x7F),)}.get(name)


def _category(name: str) -> Ranges | None:
    short = _CATEGORIES.get(name) or _SHORT.get(name)
    return property_members(f"\\p{{{short}}}") if short else None


def _known(name: str) -> Ranges | None:
    if not re.fullmatch(r"(?:scx?:)?[a-z0-9]+", name):
        return None
    try:
        return property_members(f"\\p{{{name}}}")
    except PatternRefused:
        return None
