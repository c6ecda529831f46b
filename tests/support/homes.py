"""Random patterns in other dialects, with texts that they may match."""

import random
from collections.abc import Mapping

from scanner.signatures.model import Dialect

LETTERS = "abkKsSiI\u0130\u0131\u212a\u017féÉßжЖ日😀 \n\t\r\v\x1c\u0301\u200d_-.1٣\u00aa\u0e33\x85αΑ\u0342"

_CHARS = [
    "a", "b", "k", "s", "i", "é", "ж", "日", "1", "_", " ", "I", "K", r"\-", r"\.", r"\n", r"\t", r"\v", r"\x41",
]  # fmt: skip
_CATEGORIES = [r"\d", r"\D", r"\w", r"\W", r"\s", r"\S"]
_RANGES = ["a-k", "K-Z", "0-9", "à-ÿ", "а-я", r"\x41-\x5a", " -~", "i-s", r"\x00-\x1f"]
_POSIX = [
    "[:alpha:]", "[:^alpha:]", "[:word:]", "[:upper:]", "[:^lower:]", "[:space:]", "[:punct:]", "[:^ascii:]",
]  # fmt: skip

_ESCAPES: Mapping[Dialect, list[str]] = {
    "python": [r"\u00e9", r"\U0001F600", r"\x85", r"\N{LATIN SMALL LETTER K}", r"\061", r"\101", r"\_", r"\é"],
    "re2": [r"\x{e9}", r"\061", r"\101", r"\pL", r"\p{Lu}", r"\P{Ll}", r"\p{Greek}", r"\p{^Greek}", r"\_"],
    "rust": [
        r"\x{e9}", r"\u{e9}", r"\u00e9", r"\pL", r"\p{Lu}", r"\P{Ll}", r"\p{Greek}", r"\p{Alphabetic}", r"\p{Letter}",
        r"\p{gc=Nd}", r"\p{gc!=Nd}", r"\p{scx=Greek}", r"\p{Uppercase}", r"\p{any}", r"\p{ascii}", r"\_",
    ],
}  # fmt: skip
_BORDERS: Mapping[Dialect, list[str]] = {
    "python": ["^", "$", r"\A", r"\Z", r"\b", r"\B"],
    # RE2's \B holds within the bytes of a character, which Go's does not.
    "re2": ["^", "$", r"\A", r"\z", r"\b"],
    "rust": [
        "^", "$", r"\A", r"\z", r"\b", r"\B", r"\<", r"\>",
        r"\b{start}", r"\b{end}", r"\b{start-half}", r"\b{end-half}",
    ],
}  # fmt: skip
_REPEATS: Mapping[Dialect, list[str]] = {
    "python": ["*", "+", "?", "{2}", "{1,2}", "{1,}", "*?", "+?", "??", "{,2}", "{,}", "*+", "++", "?+", "{1,2}+"],
    "re2": ["*", "+", "?", "{2}", "{1,2}", "{1,}", "*?", "+?", "??", "{0,1}?", "{,2}"],
    "rust": ["*", "+", "?", "{2}", "{1,2}", "{1,}", "*?", "+?", "??", "**", "*+", "{2}{2}", "?*", "{ 1 , 2 }"],
}  # fmt: skip
_FLAGS: Mapping[Dialect, list[str]] = {
    "python": ["i", "s", "m", "x", "a", "u", "ai", "is", "-i", "i-s"],
    "re2": ["i", "s", "m", "U", "-i", "is", "i-m"],
    "rust": ["i", "s", "m", "U", "x", "-u", "i-u", "-i", "is"],
}
_STARTS: Mapping[Dialect, list[str]] = {
    "python": ["(?i)", "(?a)", "(?m)", "(?s)", "(?x)", "(?im)"],
    "re2": ["(?i)", "(?m)", "(?s)", "(?U)", "(?im)"],
    "rust": ["(?i)", "(?m)", "(?s)", "(?U)", "(?x)", "(?im)"],
}


def invent(dice: random.Random, dialect: Dialect) -> tuple[str, list[str]]:
    """A pattern that the dialect need not take, and texts."""
    maker = _Maker(dice, dialect)
    start = dice.choice(_STARTS[dialect]) if dice.random() < 0.4 else ""
    pattern = start + maker.piece(6)
    texts = ["".join(dice.choice(LETTERS) for _ in range(dice.randint(1, 6))) for _ in range(25)]
    return pattern, texts


class _Maker:
    def __init__(self, dice: random.Random, dialect: Dialect) -> None:
        self._dice = dice
        self._dialect = dialect
        self._named = False

    def piece(self, size: int) -> str:
        if size <= 0:
            return self._atom(size)
        makers = [
            self._atom,
            self._border,
            self._repeat,
            self._run,
            self._either,
            self._flagged,
            self._special,
        ]
        (maker,) = self._dice.choices(makers, [25, 15, 15, 25, 6, 7, 7])
        return maker(size - 2)

    def _atom(self, _size: int) -> str:
        return self._dice.choice([self._char, self._escape, self._class, self._dot])()

    def _border(self, _size: int) -> str:
        return self._dice.choice(_BORDERS[self._dialect])

    def _run(self, size: int) -> str:
        return "".join(self.piece(size) for _ in range(self._dice.randint(2, 3)))

    def _either(self, size: int) -> str:
        return f"(?:{self.piece(size)}|{self.piece(size)})"

    def _flagged(self, size: int) -> str:
        return f"(?{self._dice.choice(_FLAGS[self._dialect])}:{self.piece(size)})"

    def _dot(self) -> str:
        return "."

    def _repeat(self, size: int) -> str:
        repeat = self._dice.choice(_REPEATS[self._dialect])
        if self._dialect == "python" and repeat[1:].endswith("+"):
            # Documented as (?>…), yet of a group 3.11 tries no other way through an iteration.
            return self._char() + repeat
        inner = self.piece(size)
        return f"(?:{inner}){repeat}" if self._dice.random() < 0.7 else inner + repeat

    def _special(self, size: int) -> str:
        if self._dialect != "python":
            return f"(?:(?{self._dice.choice(_FLAGS[self._dialect])}){self.piece(size)})"
        if self._named or self._dice.random() < 0.5:
            return f"{self._dice.choice(['(?=', '(?!', '(?<=', '(?<!', '(?>'])}{self.piece(1)})"
        self._named = True
        # Without `i`, under which a reference knows no Turkish i.
        back = self._dice.choice(["(?-i:(?P=q))", "(?(q)a|b)"])
        return f"(?P<q>{self.piece(1)}){self.piece(1)}{back}"

    def _char(self) -> str:
        return self._dice.choice(_CHARS)

    def _escape(self) -> str:
        if self._dialect == "re2" and self._dice.random() < 0.1:
            return r"\Qa.\E"
        return self._dice.choice(_CATEGORIES + _ESCAPES[self._dialect])

    def _class(self, depth: int = 0) -> str:
        dice = self._dice
        items = [self._class_item(depth) for _ in range(dice.randint(1, 3))]
        first, last = dice.choice(["", "", "", "]", "-"]), dice.choice(["", "", "-"])
        return f"[{dice.choice(['', '', '^'])}{first}{''.join(items)}{last}]"

    def _class_item(self, depth: int) -> str:
        dice, chance = self._dice, self._dice.random()
        if chance < 0.35:
            return self._char()
        if chance < 0.55:
            return dice.choice(_RANGES)
        if chance < 0.75:
            return dice.choice(_CATEGORIES + _ESCAPES[self._dialect])
        if self._dialect == "python":
            return dice.choice(["[", "&&", "|", r"\b", r"\101", r"\0", "^"])
        if self._dialect == "re2" or depth > 1 or chance < 0.85:
            return dice.choice(_POSIX)
        return dice.choice(["&&", "--", "~~", ""]) + self._class(depth + 1)
