"""The JSON Schema of a signatures file, by which editors complete and check it."""

from typing import Any

from scanner.signatures.syntax import SignaturesFile

_ONE_OF = ("regex", "literal", "list")


def json_schema() -> dict[str, Any]:
    """The schema, draft 2020-12, as plain JSON values.

    It says what `scanner.signatures.syntax` says: the shape, and not, say, that a condition names patterns.
    """
    schema = SignaturesFile.model_json_schema()
    patterns = schema["$defs"]["PatternSyntax"]
    patterns["oneOf"] = [{"required": [key]} for key in _ONE_OF]
    signatures = schema["$defs"]["SignatureSyntax"]
    signatures["oneOf"] = [{"required": [key]} for key in (*_ONE_OF, "patterns")]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "hindcast signatures",
        **_tidied({key: value for key, value in schema.items() if key != "title"}),
    }


def _tidied(value: Any) -> Any:
    """Drops what pydantic adds for Python's sake: titles made of names, empty defaults, null as a type."""
    if isinstance(value, list):
        return [_tidied(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "anyOf" in value:
        kinds = [kind for kind in value["anyOf"] if kind != {"type": "null"}]
        value = {**value, **kinds[0]}
        del value["anyOf"]
    tidied = {key: _tidied(item) for key, item in value.items() if not _is_noise(key, item)}
    if "patternProperties" in tidied:
        tidied["additionalProperties"] = False
    return tidied


def _is_noise(key: str, value: object) -> bool:
    if key == "title":
        return isinstance(value, str)
    return key == "default" and (isinstance(value, dict) or value in ("", [], None))
