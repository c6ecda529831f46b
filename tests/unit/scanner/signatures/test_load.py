import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.signatures.condition import And, AtLeast, Not, Ref
from scanner.signatures.load import read_signatures
from scanner.signatures.model import Examples, LiteralPattern, RegexPattern, Signature
from scanner.signatures.syntax import SignatureSyntax

GOLDEN = Path(__file__).parents[3] / "golden" / "signatures"

FULL = r"""
signatures:
  - id: fraud.crypto-doubling
    name: Crypto doubling scam
    status: stable
    severity: high
    category: fraud
    description: Promises to return twice the coins sent.
    author: fraud-intel
    created: 2026-01-10
    expires: '2027-01-10'
    references: [https://example.org/doubling]
    tags: [crypto, no, 010, crypto]
    columns: [text, caption, text]
    views: [raw]
    patterns:
      promise: {regex: '\bdouble\s+your\s+(btc|eth)\b', flags: xi}
      wallet: {regex: "\\bbc1q[a-z0-9]{38,58}\\b"}
      trusted: {literal: trusted friend, flags: i, whole_word: true}
      lures: {list: lists/lures.txt, whole_word: yes}
    condition: promise and 1 of (wallet, trusted) and not lures
    allow: [{literal: "this is how the scam works"}, {regex: 'scam\s+warning'}]
    examples:
      match:
        - Double your BTC!
        - |
          double your eth
      no_match: ["double your effort"]
"""


def _read_one(folder: Path, text: str) -> Signature:
    file = folder / "one.yaml"
    file.write_text(text, encoding="utf-8")
    reading = read_signatures([file])
    assert reading.problems == ()
    return reading.signatures[0]


def test_everything_that_may_be_written_is_read(tmp_path: Path) -> None:
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "lures.txt").write_text(
        "\ufeff# lures\r\n free coins \r\n\r\nnaïve\nfree coins\n", "utf-8"
    )

    signature = _read_one(tmp_path, FULL)

    assert len(signature.digest) == 64
    assert signature == Signature(
        id="fraud.crypto-doubling",
        patterns=(
            RegexPattern("promise", r"\bdouble\s+your\s+(btc|eth)\b", "ix"),
            RegexPattern("wallet", r"\bbc1q[a-z0-9]{38,58}\b"),
            LiteralPattern("trusted", ("trusted friend",), "i", whole_word=True),
            LiteralPattern("lures", ("free coins", "naïve"), whole_word=True),
        ),
        condition=And(
            (Ref("promise"), AtLeast(1, (Ref("wallet"), Ref("trusted"))), Not(Ref("lures"))),
        ),
        digest=signature.digest,
        name="Crypto doubling scam",
        status="stable",
        severity="high",
        category="fraud",
        description="Promises to return twice the coins sent.",
        author="fraud-intel",
        created=date(2026, 1, 10),
        expires=date(2027, 1, 10),
        references=("https://example.org/doubling",),
        tags=("crypto", "no", "010", "crypto"),
        columns=("text", "caption"),
        allow=(
            LiteralPattern("allow_1", ("this is how the scam works",)),
            RegexPattern("allow_2", r"scam\s+warning"),
        ),
        examples=Examples(("Double your BTC!", "double your eth\n"), ("double your effort",)),
        file=str(tmp_path / "one.yaml"),
        line=3,
    )
    assert signature.examples.lines == (25, 26, 28)
    assert [pattern.line for pattern in (*signature.patterns, *signature.allow)] == [17, 18, 19, 20, 22, 22]


def test_one_pattern_needs_neither_a_map_nor_a_condition(tmp_path: Path) -> None:
    at_top = _read_one(tmp_path, "signatures:\n- {id: a, literal: 12345, flags: i, whole_word: true}\n")
    in_map = _read_one(tmp_path, "signatures:\n- {id: a, patterns: {only: {regex: x}}}\n")

    assert at_top.patterns == (LiteralPattern("pattern", ("12345",), "i", whole_word=True),)
    assert at_top.condition == Ref("pattern")
    assert in_map.condition == Ref("only")


def test_every_mistake_is_explained_where_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(GOLDEN)

    reading = read_signatures(["broken.yaml"])

    expected = Path("broken.expected.txt").read_text(encoding="utf-8").splitlines()
    assert [str(problem) for problem in reading.problems] == expected
    assert reading.signatures == ()


def test_a_wrong_signature_is_left_out_and_the_rest_is_read(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text(
        "signatures:\n- {id: good, regex: x}\n- {id: bad, regex: x, severity: x}\n- {id: good, regex: y}\n",
        "utf-8",
    )
    (tmp_path / "a.yml").write_text("signatures:\n- {id: first, regex: x}\n- {id: bad, regex: y}\n", "utf-8")

    reading = read_signatures([tmp_path])

    assert [signature.id for signature in reading.signatures] == ["first", "bad", "good"]
    assert [(Path(problem.file).name, problem.line, problem.subject) for problem in reading.problems] == [
        ("b.yaml", 3, "bad"),
        ("b.yaml", 3, "bad"),
        ("b.yaml", 4, "good"),
    ]


def test_folders_are_searched_by_name_and_no_file_is_read_twice(tmp_path: Path) -> None:
    for name in ("z.yaml", "b/a.YML", "a/c.yaml", ".hidden/x.yaml", "a/.x.yaml", "a/readme.md"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"signatures: [{{id: {name.replace('/', '.').lower()}, regex: x}}]", encoding="utf-8")
    (tmp_path / "link.yaml").symlink_to(tmp_path / "a" / "c.yaml")

    reading = read_signatures([tmp_path / "b" / "a.YML", tmp_path, tmp_path / "a"])

    assert reading.problems == ()
    assert [signature.id for signature in reading.signatures] == ["b.a.yml", "a.c.yaml", "z.yaml"]
    assert [Path(file).relative_to(tmp_path).as_posix() for file in reading.files] == [
        "b/a.YML",
        "link.yaml",
        "z.yaml",
    ]


NO_TOP = "x.yaml:1: a file of signatures begins with `signatures:`; write the list below it"
NO_LIST = "x.yaml:1: there are no signatures; write `signatures:` and below it a list, `- id: ...`"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", NO_TOP),
        (b"- id: a\n  regex: x\n", NO_TOP),
        (b"{}", NO_LIST),
        (b"signatures: []\n", NO_LIST),
        (b"signatures: {id: a}\n", NO_LIST),
        (
            b"signatures:\n",
            "x.yaml:1: `signatures` has no value; write one (in quotes where it begins with `#`)",
        ),
        (b"Signature:\n- id: a\n", "x.yaml:1: `Signature` is not a key here; did you mean `signatures`?"),
        (b"signatures:\n- id: \xff\n", "x.yaml:2: this is not UTF-8; save the file as UTF-8"),
        (
            b"signatures:\n- id: a\n  name: x: y\n",
            "x.yaml:3: this is not YAML: a text holds `: `, or is indented wrongly; put it in single quotes",
        ),
        (b"#" * 8_000_001, "x.yaml: the file is larger than 8 MB; cut it into several, or use `list:`"),
    ],
)
def test_a_file_that_holds_no_signatures_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, problem: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("x.yaml").write_bytes(content)

    reading = read_signatures(["x.yaml"])

    assert [str(each) for each in reading.problems] == [problem]


def test_paths_that_lead_nowhere_are_problems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    Path("feed.stix.json").write_text("{}", encoding="utf-8")

    reading = read_signatures(["nowhere", "empty", "feed.stix.json", "/dev/null"])

    assert [str(problem) for problem in reading.problems] == [
        "nowhere: there is no such file or folder",
        "empty: there is no *.yaml or *.yml file in this folder",
        "feed.stix.json: only *.yaml and *.yml files hold signatures; other formats are not built yet",
        "/dev/null: this is neither a file nor a folder",
    ]


def test_bounds_are_explained(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(
        "signatures:\n"
        f"- id: {'a' * 129}\n  regex: {'x' * 16_385}\n"
        f"- id: b\n  literal: {'x' * 4_097}\n  examples: {{match: [{'x' * 65_537}]}}\n"
        f"- id: c\n  regex: x\n  columns: [{', '.join(['x'] * 1_001)}]\n",
        encoding="utf-8",
    )

    reading = read_signatures([file])

    assert [(problem.line, problem.subject, problem.message) for problem in reading.problems] == [
        (2, "signature 1", "`id` is longer than 128 characters; shorten it"),
        (
            3,
            "signature 1",
            "`regex` is longer than 16,384 characters; shorten it; put many literals into a `list:`",
        ),
        (5, "b", "`literal` is longer than 4,096 characters; shorten it; put many literals into a `list:`"),
        (6, "b", "item 1 of `match` is longer than 65,536 characters; shorten it"),
        (9, "c", "`columns` has 1,001 items; 1,000 are allowed"),
    ]


_KEYS = [field.alias or name for name, field in SignatureSyntax.model_fields.items()]
_words = st.sampled_from(
    [*_KEYS, "a", "match", "no_match", "i", "raw", "not a", "any of them", "2026-01-31", ""]
)
_anything = st.recursive(
    _words | st.none() | st.booleans() | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(_words | st.just("Upper Case"), inner, max_size=4)
    ),
    max_leaves=12,
)
_nearly_right = st.fixed_dictionaries(
    {"id": st.sampled_from(["a", "b"]) | _anything},
    optional={
        **{key: _anything for key in _KEYS if key != "id"},
        "regex": _words,
        "patterns": st.dictionaries(
            _words, st.fixed_dictionaries({}, optional=dict.fromkeys(_KEYS[:5], _anything))
        ),
        "allow": st.lists(st.dictionaries(st.sampled_from(_KEYS[:5]), _anything, max_size=2) | _anything),
        "examples": st.dictionaries(st.sampled_from(["match", "no_match"]), st.lists(_words) | _anything),
    },
)


@given(entries=st.lists(_nearly_right | _anything, max_size=3), indent=st.sampled_from([None, 1]))
def test_whatever_is_written_is_read_or_explained(
    entries: list[object], indent: int | None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.getbasetemp() / "anything.yaml"
    file.write_text(json.dumps({"signatures": entries}, indent=indent), encoding="utf-8")

    reading = read_signatures([file])

    lines = len(file.read_text(encoding="utf-8").splitlines())
    assert all(1 <= problem.line <= lines and problem.message for problem in reading.problems)
    assert reading.problems or len(reading.signatures) == len(entries) > 0
