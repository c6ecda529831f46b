from typing import Any

import jsonschema
import pytest

from scanner.signatures.schema import json_schema
from scanner.signatures.syntax import ExamplesSyntax, SignatureSyntax
from tests.support.readme import keys_in_table

VALIDATOR = jsonschema.Draft202012Validator(json_schema())
GOOD: dict[str, Any] = {
    "id": "fraud.crypto-doubling",
    "status": "stable",
    "severity": "high",
    "created": "2026-01-10",
    "columns": ["text"],
    "views": ["raw"],
    "patterns": {
        "promise": {"regex": r"double\s+your", "flags": "i"},
        "trusted": {"literal": "friend", "whole_word": True},
        "lures": {"list": "lists/lures.txt"},
    },
    "condition": "promise and not lures",
    "allow": [{"literal": "warning"}],
    "examples": {"match": ["double your"], "no_match": ["x"]},
}


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize(
    "entry",
    [
        GOOD,
        {"id": "a", "regex": "x"},
        {"id": "a", "regex": "x", "dialect": "re2"},
        {"id": "a", "list": "x.txt", "flags": "i"},
    ],
)
def test_it_takes_what_is_right(entry: dict[str, Any]) -> None:
    assert list(VALIDATOR.iter_errors({"signatures": [entry]})) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "Not An Id"},
        {"severity": "hgih"},
        {"staus": "stable"},
        {"views": ["folded"]},
        {"columns": "text"},
        {"columns": []},
        {"description": None},
        {"expires": None},
        {"regex": "beside patterns"},
        {"patterns": {}},
        {"patterns": {"Upper": {"regex": "x"}}},
        {"patterns": {"both": {"regex": "x", "literal": "x"}}},
        {"patterns": {"neither": {"flags": "i"}}},
        {"patterns": {"checked": {"regex": "x", "check": "bitcoin"}}},
        {"patterns": {"foreign": {"regex": "x", "dialect": "go"}}},
        {"allow": ["text"]},
        {"examples": {"nomatch": []}},
    ],
)
def test_it_refuses_what_is_wrong(changes: dict[str, Any]) -> None:
    assert list(VALIDATOR.iter_errors({"signatures": [{**GOOD, **changes}]}))


def test_editors_can_say_what_every_key_is_for() -> None:
    definitions = json_schema()["$defs"]

    assert all(
        key.get("description")
        for definition in definitions.values()
        for key in definition["properties"].values()
    )


def test_the_readme_has_every_key_of_a_signature() -> None:
    known = {field.alias or name for name, field in SignatureSyntax.model_fields.items()} - {"examples"}
    known |= {f"examples.{name}" for name in ExamplesSyntax.model_fields}
    assert sorted(keys_in_table("scanner/README.md", "Every key of a signature")) == sorted(known)
