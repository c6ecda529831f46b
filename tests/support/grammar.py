"""Random patterns with everything that PCRE2 has, and texts that they are likely to match.

A pattern is made of pieces; each piece comes with a text that it might take, so that matches are not left to chance.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

ALPHABET = (
    "abkKsSiI\u0130\u0131\u212a\u017féÉßẞжЖაА\u1c90ก日😀µμΜςσ \n\n\t\r\v\f\x85\u2028\u200d\u0301_-.1٣[]^:<"
)


@dataclass(frozen=True)
class Made:
    """A piece of a pattern, and a text for it."""

    regex: str
    text: str


Maker = Callable[["Dice", int], Made]


class Dice(random.Random):
    """Chance, and what a pattern has so far."""

    groups = 0
    names = 0

    def one_of(self, items: Sequence[str]) -> str:
        return self.choice(list(items))


def pattern(dice: Dice, size: int = 6) -> tuple[str, str, list[str]]:
    """A pattern that PCRE2 need not take, its flags, and texts that it might match."""
    made = _run(dice, size)
    if dice.random() < 0.08:
        made = _join(made, Made(dice.one_of([r"(?R)?", r"(?0)*", r"(?1)", r"(?+1)(x)?"]), ""))
    start = dice.one_of(_STARTS) if dice.random() < 0.12 else ""
    flags = "".join(flag for flag in "imsxu" if dice.random() < (0.3 if flag in "iu" else 0.12))
    return (
        start + made.regex,
        flags,
        [_varied(dice, made.text) for _ in range(12)] + [noise(dice) for _ in range(12)],
    )


def noise(dice: Dice) -> str:
    return "".join(dice.one_of(ALPHABET) for _ in range(dice.randint(0, 8)))


def _varied(dice: Dice, text: str) -> str:
    """A text, perhaps with something before, behind and in it, or in another case."""
    change = dice.random()
    if change < 0.2:
        text = dice.one_of([text.upper(), text.lower(), text.swapcase(), text.title()])
    elif change < 0.4 and text:
        at = dice.randrange(len(text))
        text = text[:at] + dice.one_of(["", dice.one_of(ALPHABET)]) + text[at + 1 :]
    elif change < 0.5:
        text += text
    around = dice.random()
    if around < 0.5:
        text = noise(dice) + text + noise(dice)
    elif around < 0.65:
        text = f"\n{text}\n"
    return text


def _join(*pieces: Made) -> Made:
    return Made("".join(piece.regex for piece in pieces), "".join(piece.text for piece in pieces))


def _run(dice: Dice, size: int) -> Made:
    return _join(*(_piece(dice, size - 1) for _ in range(dice.randint(1, 3))))


def _piece(dice: Dice, size: int) -> Made:
    makers, weights = (_SMALL, _SMALL_WEIGHTS) if size <= 0 else (_ALL, _ALL_WEIGHTS)
    (maker,) = dice.choices(makers, weights)
    return maker(dice, size)


# One code point.


def _char(dice: Dice, _size: int) -> Made:
    char = dice.one_of(ALPHABET)
    code = ord(char)
    spellings = [
        f"\\x{{{code:x}}}",
        f"\\o{{{code:o}}}",
        f"\\N{{U+{code:X}}}",
        f"\\Q{char}\\E",
        f"\\x{{ {code:04x} }}",
    ]
    if char.isalnum() or code > 0x7F:
        spellings += [char] * 8
    elif char == " ":
        spellings += [" "] * 3
    elif char not in "\n\r\t\v\f":
        spellings += [f"\\{char}"] * 4
    if code < 0x100:
        spellings += [f"\\x{code:02x}", f"\\{code:03o}"]
    named = {"\n": r"\n", "\r": r"\r", "\t": r"\t", "\f": r"\f"}
    if char in named:
        spellings += [named[char], f"\\c{chr(code ^ 0x40)}"] * 2
    return Made(dice.one_of(spellings), char)


def _word(dice: Dice, _size: int) -> Made:
    text = "".join(dice.one_of("abkKsSiIéßжЖ日1_") for _ in range(dice.randint(1, 4)))
    return Made(text, text)


_ATOMS = {
    r"\d": "1٣", r"\D": "a٣\n", r"\w": "ké_", r"\W": " é😀", r"\s": " \x85\v", r"\S": "é\u2028", r"\h": "\t ", r"\H": "a\n",
    r"\v": "\n\u2028", r"\V": "日", r"\N": "s\r", ".": "😀\n\r", r"\p{L}": "ж", r"\p{Lu}": "Éé", r"\P{Ll}": "1A",
    r"\pN": "1", r"\PL": "_\n", r"\p{^L}": "-", r"\p{Greek}": "σ", r"\p{sc:Cyrillic}": "Ж", r"\p{scx:Grek}": "μ\u0301",
    r"\p{Latin}": "kſ", r"\p{Han}": "日", r"\p{Any}": "a\n", r"\p{Xan}": "é", r"\p{Xwd}": "_", r"\p{Xsp}": " ",
    r"\p{L&}": "ა", r"\p{Alphabetic}": "ก", r"\p{Lowercase}": "ßK", r"\p{ Upper case }": "Kk", r"\P{Emoji}": "a",
    r"\p{bidi_class:L}": "a", r"\p{ASCII_Hex_Digit}": "a", r"\x{212a}": "\u212ak",
}  # fmt: skip
_SEVERAL = {r"\R": ["\r\n", "\n", "\u2028"], r"\X": ["e\u0301", "\r\n", "日", "😀\u200d😀"]}


def _atom(dice: Dice, _size: int) -> Made:
    if dice.random() < 0.1:
        regex, texts = dice.choice(list(_SEVERAL.items()))
        return Made(regex, dice.choice(texts))
    regex, chars = dice.choice(list(_ATOMS.items()))
    return Made(regex, dice.one_of(chars))


_CLASS_ITEMS = {
    "a": "aA", "k": "kK\u212a", "S": "Ssſ", "i": "iI", "é": "éÉ", "Ж": "Жж", "日": "日", "😀": "😀", "_": "_", "1": "1",
    " ": " ", "[": "[", "[a": "[a", ":": ":", "<": "<", "^": "^", "-": "-",
    "a-k": "bkK", "K-S": "KSks", "h-j": "iI", "à-ÿ": "éÉ", "а-я": "жЖ", r"\x{100}-\x{17f}": "ıſs", r"\n-\r": "\n\v",
    r"\x1f-\x{80}": "a-", r"[:word:]\-k": "k-",
    r"\d": "1٣", r"\D": "a٣", r"\w": "ké", r"\W": " é", r"\s": " \x85", r"\S": "é\x85", r"\h": "\t", r"\H": "a",
    r"\v": "\n\u2028", r"\V": "日", r"\p{L}": "ж", r"\p{Lu}": "Éé", r"\P{Ll}": "1a", r"\p{Greek}": "σμ", r"\pN": "1",
    "[:alpha:]": "aé", "[:^alpha:]": "é1", "[:upper:]": "Kk", "[:^lower:]": "Ka", "[:digit:]": "1٣", "[:punct:]": "-",
    "[:^space:]": "\x85a", "[:word:]": "_é", "[:ascii:]": "a", "[:blank:]": " ", "[:cntrl:]": "\n\x85", "[:graph:]": "aé",
    "[:print:]": " é", "[:xdigit:]": "aA",
    r"\b": "\b", r"\]": "]", r"\\": "\\", r"\-": "-", r"\^": "^", r"\Qa-z\E": "a-z", r"\Q]\E": "]", r"\E": "a",
    r"\cM": "\r", r"\c]": "\x1d", r"\x41": "Aa", r"\101": "Aa", r"\o{61}": "1", r"\N{U+e9}": "éÉ", r"\x{212a}": "k\u212a",
    r"\x{17f}": "sſ",
}  # fmt: skip


def _class(dice: Dice, _size: int) -> Made:
    if dice.random() < 0.08:
        return Made(dice.one_of(_WORD_ENDS), "")
    if dice.random() < 0.1:
        return Made(dice.one_of(_EXTENDED), dice.one_of(ALPHABET))
    first = dice.one_of(["", "", "", "]", "-", r"\E", r"\Q\E"])
    last = dice.one_of(["", "", "", "-"])
    items = [dice.one_of([*_CLASS_ITEMS]) for _ in range(dice.randint(1, 4))]
    negated = dice.random() < 0.35
    char = dice.one_of(ALPHABET if negated else _CLASS_ITEMS[dice.choice(items)])
    return Made(f"[{'^' if negated else ''}{first}{''.join(items)}{last}]", char)


_WORD_ENDS = ["[[:<:]]", "[[:>:]]"]
_EXTENDED = [
    r"(?[ \w - [kKs] ])",
    r"(?[ [a-k] + [:digit:] ])",
    r"(?[ ! [a] & \p{L} ])",
    r"(?[ ( [a-z] | [é] ) ^ [k] ])",
]


# What takes nothing.

_NOTHINGS = [
    r"\K", "(?#c)", r"\E", r"\Q\E", "(*PRUNE)", "(*SKIP)", "(*COMMIT)", "(*THEN)", "(*MARK:m)", "(*:m)",
]  # fmt: skip
_ODD_NOTHINGS = ["(*F)", "(*FAIL:x)", "(*SKIP:m)", "(?C1)", "(?C'x')", "(*ACCEPT)"]


def _border(dice: Dice, _size: int) -> Made:
    return Made(dice.one_of(["^", "$", r"\b", r"\B", r"\A", r"\z", r"\Z", r"\G", *_WORD_ENDS]), "")


def _nothing(dice: Dice, _size: int) -> Made:
    usual = dice.random() < 0.9
    return Made(dice.one_of(_NOTHINGS if usual else _ODD_NOTHINGS), "")


_LOOKS = [
    "(?=", "(?!", "(?<=", "(?<!", "(*pla:", "(*nla:", "(*plb:", "(*negative_lookbehind:", "(?*", "(?<*", "(*napla:",
    "(*positive_lookahead:", "(*naplb:", "(*non_atomic_positive_lookbehind:",
]  # fmt: skip


def _look(dice: Dice, size: int) -> Made:
    head = dice.one_of(_LOOKS)
    inner = _run(dice, min(size, 2))
    return Made(f"{head}{inner.regex})", "")


# Groups.

_INLINE = [
    "i", "-i", "s", "-s", "m", "-m", "x", "-x", "xx", "n", "U", "J", "^", "^i", "^s", "is", "i-s", "a", "aD", "aW",
    "aSi", "aP", "aT", "r", "ri", "-r", "ix-ms", "-a", "xn",
]  # fmt: skip


def _inline(dice: Dice, size: int) -> Made:
    inner = _run(dice, size)
    return Made(f"(?{dice.one_of(_INLINE)}){inner.regex}", inner.text)


def _group(dice: Dice, size: int) -> Made:
    head = dice.one_of(
        ["(?:", "(?:", "(?>", "(*atomic:", "(*sr:", "(*asr:", "(?|", *(f"(?{flag}:" for flag in _INLINE[:20])]
    )
    inner = _branches(dice, size)
    return Made(f"{head}{inner.regex})", inner.text)


def _capture(dice: Dice, size: int) -> Made:
    dice.groups += 1
    inner = _branches(dice, size)
    if dice.random() < 0.3:
        dice.names += 1
        name = f"n{dice.names}"
        return Made(
            f"{dice.one_of(['(?<%s>', '(?P<%s>', chr(40) + '?' + chr(39) + '%s' + chr(39)]) % name}{inner.regex})",
            inner.text,
        )
    return Made(f"({inner.regex})", inner.text)


def _branches(dice: Dice, size: int) -> Made:
    made = [_run(dice, size) for _ in range(dice.choice([1, 1, 2, 3]))]
    if dice.random() < 0.1:
        made.append(Made("", ""))
    return Made("|".join(each.regex for each in made), dice.choice(made).text)


def _repeat(dice: Dice, size: int) -> Made:
    inner = _group(dice, size) if dice.random() < 0.5 else _small(dice)
    least, regex = dice.choice(
        [
            (0, "*"),
            (1, "+"),
            (0, "?"),
            (2, "{2}"),
            (1, "{1,3}"),
            (0, "{,2}"),
            (2, "{2,}"),
            (0, "{0}"),
            (0, "{ 0 , 2 }"),
        ]
    )
    kind = dice.one_of(["", "", "", "?", "+"])
    times = least + dice.choice([0, 0, 1]) * (regex not in ("{2}", "{0}"))
    between = dice.one_of(["", "", "", "(?#c)", r"\E"]) if dice.random() < 0.1 else ""
    return Made(f"{inner.regex}{between}{regex}{between if kind == '+' else ''}{kind}", inner.text * times)


def _small(dice: Dice) -> Made:
    return dice.choice([_char, _atom, _class])(dice, 0)


# What looks elsewhere.


def _copied(dice: Dice, size: int) -> Made:
    """A group, something, and a reference to the group."""
    group = dice.choice([_capture, _capture, _bordered, _reset, _uncounted])(dice, size)
    between = _piece(dice, 0)
    name = f"n{dice.names}"
    named = [f"\\k<{name}>", f"\\k'{name}'", f"\\k{{{name}}}", f"\\g{{{name}}}", f"(?P={name})"]
    numbered = [f"\\{dice.groups}", f"\\g{{{dice.groups}}}", r"\g{-1}", "\\g-1", f"\\g{dice.groups}(?:)"]
    reference = dice.one_of(named if f"{name}>" in group.regex or f"{name}'" in group.regex else numbered)
    text = group.text
    case = dice.random()
    if case < 0.3:
        reference, text = f"(?i:{reference})", dice.one_of([text.swapcase(), text.upper(), text.lower()])
    elif case < 0.4:
        reference = f"(?-i:{reference})"
    repeat = dice.one_of(["", "", "", "?", "+"])
    return Made(group.regex + between.regex + reference + repeat, group.text + between.text + text)


_RESTRICTED = [
    (r"(?aD:\D)", "٣"),
    (r"(?aW:\W)", "é"),
    (r"(?aS:\S)", "\x85"),
    (r"(?aP:[[:^alpha:]])", "é"),
    (r"(?aT:[[:^digit:]])", "٣"),
    (r"(?a:[^\w])", "é"),
    (r"(?ri:[^k])", "\u212a"),
    (r"(?aW:\bé)", "é"),
]


def _restricted(dice: Dice, _size: int) -> Made:
    """What means more under an option that makes something else mean less."""
    return Made(*dice.choice(_RESTRICTED))


def _bordered(dice: Dice, size: int) -> Made:
    """A group whose borders hold where it stands, and need not where its text stands again."""
    dice.groups += 1
    inner = _run(dice, min(size, 2))
    before, behind = (
        dice.one_of(["^", r"\b", r"\A", r"\B", "(?<!a)", ""]),
        dice.one_of([r"\b", r"\B", "(?m:$)", "(?!a)", ""]),
    )
    return Made(f"({before}{inner.regex}{behind})", inner.text)


def _reset(dice: Dice, size: int) -> Made:
    """Branches whose groups have the same numbers, and a group behind them."""
    left, right, last = (_run(dice, min(size, 1)) for _ in range(3))
    first = dice.choice([left, right])
    number = dice.groups
    dice.groups = number + 2
    second = dice.one_of(["(x)?", "(?:x)?"])
    if second == "(?:x)?":
        return Made(f"(?|({left.regex})|({right.regex}){second})({last.regex})", first.text + last.text)
    dice.groups = number + 3
    return Made(f"(?|({left.regex})|({right.regex}){second})({last.regex})", first.text + last.text)


def _uncounted(dice: Dice, size: int) -> Made:
    """A group that does not capture where others do, before one that does."""
    plain, named = _run(dice, min(size, 1)), _run(dice, min(size, 1))
    dice.groups += 1
    dice.names += 1
    return Made(f"(?n:({plain.regex})(?<n{dice.names}>{named.regex}))", plain.text + named.text)


def _called(dice: Dice, size: int) -> Made:
    group = _capture(dice, size)
    number = dice.groups
    call = dice.one_of([f"(?{number})", "(?-1)", f"\\g<{number}>", f"\\g'{number}'", "(?1)", r"\g<-1>"])
    if dice.random() < 0.3:
        dice.names += 1
        name = f"n{dice.names}"
        call = dice.one_of([f"(?&{name})", f"(?P>{name})", f"\\g<{name}>", f"\\g'{name}'"])
        return Made(f"(?(DEFINE)(?<{name}>{group.regex})){call}", group.text)
    return Made(group.regex + call, group.text + group.text)


def _recursive(dice: Dice, size: int) -> Made:
    dice.groups += 1
    number = dice.groups
    inner = _run(dice, min(size, 2))
    regex = dice.one_of([f"(b{inner.regex}|a(?{number})a)", f"(\\[(?:{inner.regex}|(?{number}))*\\])"])
    text = f"a{'b' + inner.text}a" if regex.startswith("(b") else f"[[{inner.text}]]"
    return Made(regex, text)


def _condition(dice: Dice, size: int) -> Made:
    yes, no = _run(dice, min(size, 2)), _run(dice, min(size, 2))
    kind = dice.random()
    if kind < 0.4:
        dice.groups += 1
        optional = _char(dice, 0)
        condition = dice.one_of([f"({dice.groups})", "(-1)"])
        return Made(
            f"({optional.regex})?(?{condition}{yes.regex}|{no.regex})",
            dice.choice([optional.text + yes.text, no.text]),
        )
    if kind < 0.7:
        look = _look(dice, 1)
        return Made(f"(?{look.regex}{yes.regex}|{no.regex})", dice.choice([yes.text, no.text]))
    condition = dice.one_of(["(R)", "(VERSION>=10.0)", "(1)"])
    return Made(f"(?{condition}{yes.regex})", yes.text)


_STARTS = [
    "(*UCP)", "(*UTF)", "(*LF)", "(*NO_JIT)", "(*NOTEMPTY)", "(*LIMIT_MATCH=5000)", "(*BSR_ANYCRLF)", "(*NO_START_OPT)",
    "(*CRLF)", "(*ANYCRLF)", "(*ANY)", "(*CR)", "(*CASELESS_RESTRICT)", "(*TURKISH_CASING)", "(*UCP)(*NO_AUTO_POSSESS)",
]  # fmt: skip

_SMALL: list[Maker] = [_char, _word, _atom, _class, _border, _nothing, _restricted]
_SMALL_WEIGHTS = [12, 10, 8, 8, 4, 2, 1]
_ALL: list[Maker] = [
    *_SMALL,
    _look,
    _inline,
    _group,
    _capture,
    _repeat,
    _copied,
    _called,
    _recursive,
    _condition,
]
_ALL_WEIGHTS = [*_SMALL_WEIGHTS, 4, 6, 8, 6, 14, 5, 2, 2, 4]
