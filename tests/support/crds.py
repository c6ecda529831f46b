"""KubeRay's own schemas, which lie beside the project and never in it."""

import copy
import functools
from collections.abc import Iterator
from typing import Any

import jsonschema
import yaml

from tests.support.shared import shared

Schema = dict[str, Any]


@functools.cache
def schema_of(kind: str) -> Schema:
    """The schema of ``ray.io/v1``, closed: what it does not name is wrong. Skips the test where it is absent."""
    text = shared(f"crds/{kind.lower()}s.yaml").read_text("utf-8")
    definition = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - the safe one
    (version,) = (each for each in definition["spec"]["versions"] if each["name"] == "v1")
    schema: Schema = _closed(version["schema"]["openAPIV3Schema"])
    schema["properties"]["metadata"] = {"type": "object"}
    return schema


def within(kind: str, *path: str) -> Schema:
    """A part of a schema; ``[]`` stands for what a list holds."""
    found = schema_of(kind)
    for part in path:
        found = found["items"] if part == "[]" else found["properties"][part]
    return found


def problems(value: object, schema: Schema) -> list[str]:
    """What the API server would refuse."""
    return list(_problems(copy.deepcopy(value), schema))


def _problems(value: object, schema: Schema) -> Iterator[str]:
    _fill(value, schema)
    for error in jsonschema.Draft202012Validator(schema).iter_errors(value):
        yield f"{error.json_path}: {error.message[:200]}"


def _closed(schema: Any) -> Any:
    """Kubernetes' dialect as plain JSON Schema."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(each) for key, each in schema.items()}
    loose = schema.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in schema
    if isinstance(schema.get("properties"), dict) and "type" in schema and not loose:
        closed["additionalProperties"] = False
    return closed


def _fill(value: object, schema: Schema) -> None:
    """Sets what the API server sets before it validates."""
    if isinstance(value, dict):
        for key, part in schema.get("properties", {}).items():
            if key not in value and "default" in part:
                value[key] = copy.deepcopy(part["default"])
            if key in value:
                _fill(value[key], part)
    elif isinstance(value, list):
        for each in value:
            _fill(each, schema.get("items", {}))
