"""Random signatures and cells, over a small alphabet so that they meet."""

from hypothesis import strategies as st

from scanner.engine.program import check_patterns
from scanner.signatures.model import Pattern, Ruleset, Signature
from tests.support.signatures import literal, regex, ruleset, signature

LETTERS = "abkKsS\u212a\u017féÉßжЖა\u1c90ก日😀 \n\t-_.1٣\u0301\u2028\x85\r"
SHORT = st.text(LETTERS, max_size=12)

_char = st.sampled_from(list("abkKsSéÉжა日😀1_ ")) | st.sampled_from(
    [r"\.", r"\-", r"\n", r"\t", r"\x{e9}", r"\x41", r"\Qa.\E"]
)
_class_item = st.sampled_from(
    [
        "a-c",
        "k",
        "S",
        "é",
        "а-я",
        r"\d",
        r"\w",
        r"\s",
        r"\W",
        r"\D",
        r"\S",
        "[:alpha:]",
        "[:^upper:]",
        "[:punct:]",
        r"\p{L}",
        r"\p{Lu}",
        r"\P{Ll}",
        r"\n",
        "_",
        "-",
        r"\]",
        "1",
        r"\x{17f}",
        "😀",
        r"\h",
        r"\v",
    ]
)
_class = st.builds(
    lambda negated, items: f"[{'^' if negated else ''}{''.join(items)}]",
    st.booleans(),
    st.lists(_class_item, min_size=1, max_size=3),
)
_escape = st.sampled_from(
    [
        r"\w",
        r"\W",
        r"\d",
        r"\D",
        r"\s",
        r"\S",
        ".",
        r"\p{L}",
        r"\p{Lu}",
        r"\P{L}",
        r"\p{Cyrillic}",
        r"\h",
        r"\v",
        r"\R",
        r"\N",
        r"\X",
    ]
)
_zero_width = st.sampled_from(["^", "$", r"\b", r"\B", r"\A", r"\z", r"\Z", r"\b", r"\b"])
_repeat = st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "{,2}", "{2,}", "+?", "*?", "++", "??", "{0,1}+"])
_atom = _char | _char | _class | _escape


def _combine(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    group = st.sampled_from(
        [
            "(",
            "(?:",
            "(?i:",
            "(?s:",
            "(?m:",
            "(?>",
            "(?x: ",
            "(?-i:",
            "(?=",
            "(?!",
            "(?<!",
            "(?<=",
            "(?#c)(?:",
        ]
    )
    return st.one_of(
        st.builds("".join, st.lists(inner, min_size=1, max_size=4)),
        st.builds("|".join, st.lists(inner, min_size=2, max_size=3)),
        st.builds(lambda head, body: f"{head}{body})", group, inner),
        st.builds(lambda body, repeat: f"(?:{body}){repeat}", inner, _repeat),
        st.builds(lambda body: f"({body})x\\1", inner),
        st.builds(
            lambda flag, body: f"(?{flag}){body}",
            st.sampled_from(["i", "s", "x", "m", "-i", "is", "i-s"]),
            inner,
        ),
    )


def _escaped(text: str) -> str:
    return "".join(f"\\x{{{ord(char):x}}}" for char in text)


_leaf = st.builds(lambda atom, repeat: atom + repeat, _atom, st.just("") | _repeat)
REGEX = st.recursive(_leaf | _zero_width | SHORT.map(_escaped), _combine, max_leaves=8)
FLAGS = st.sets(st.sampled_from("imsxu")).map(lambda letters: "".join(sorted(letters)))


def patterns(name: str) -> st.SearchStrategy[Pattern]:
    texts = st.lists(st.text(LETTERS, min_size=1, max_size=5), min_size=1, max_size=3, unique=True)
    literals = st.builds(
        lambda found, flags, whole: literal(*found, flags=flags, whole_word=whole, name=name),
        texts,
        st.sampled_from(["", "i"]),
        st.booleans(),
    )
    return st.one_of(st.builds(lambda text, flags: regex(text, flags, name), REGEX, FLAGS), literals)


_CONDITIONS = [
    "a",
    "a and b",
    "a or b",
    "a and not b",
    "1 of them",
    "2 of (a, b, c)",
    "(a or b) and not c",
    "all of them",
    "a and (not b or c)",
]


@st.composite
def signatures(draw: st.DrawFn, identity: str) -> Signature:
    condition = draw(st.sampled_from(_CONDITIONS))
    names = sorted(
        {name for name in "abc" if name in condition.replace("and", "").replace("all of", "")}
        | ({"a", "b"} if "them" in condition else set())
    )
    allow = draw(st.lists(patterns("allow"), max_size=1))
    return signature(identity, *(draw(patterns(name)) for name in names), condition=condition, allow=allow)


def _compiles(found: Signature) -> bool:
    return all(problem.warning for problem in check_patterns([found]))


@st.composite
def rulesets(draw: st.DrawFn) -> Ruleset:
    found = [draw(signatures(f"s{number}").filter(_compiles)) for number in range(draw(st.integers(1, 3)))]
    return ruleset(*found)


CELLS = st.lists(st.none() | SHORT | st.text(LETTERS, max_size=60), max_size=12)
