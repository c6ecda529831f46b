"""Real texts and real public rules, which lie beside the project and never in it."""

import json
import re
from pathlib import Path

import pytest
import yaml

SHARED = Path(__file__).resolve().parents[3] / "shared"


def shared(name: str) -> Path:
    """A file of the shared folder; skips the test where it is absent."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{name} is not beside this checkout")
    return path


def write_rules(name: str, folder: Path) -> Path:
    """Writes a set of public rules as signatures."""
    rules = [json.loads(line) for line in shared(f"rules/{name}.jsonl").read_text("utf-8").splitlines()]
    signatures = [_signature(number, rule) for number, rule in enumerate(rules)]
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump({"signatures": signatures}, allow_unicode=True), encoding="utf-8")
    return path


def _signature(number: int, rule: dict[str, str]) -> dict[str, str]:
    identity = re.sub(r"[^a-z0-9._-]+", "-", rule["id"].lower()).strip("-")
    kind = rule["kind"]
    text = rule["pattern"] if kind == "regex" else rule["literal"]
    return {"id": f"{identity}.{number}", kind: text, "flags": "".join(sorted(set(rule["flags"])))}
