"""Real texts and real public rules, which lie beside the project and never in it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

SHARED = Path(__file__).resolve().parents[3] / "shared"


def shared(name: str) -> Path:
    """A file of the shared folder; skips the test where it is absent."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{name} is not beside this checkout")
    return path


RULE_SETS = {
    "gitleaks": "re2",
    "presidio_pii": "python",
    "automod_casino_spam": "python",
    "ldnoobw_profanity": "pcre",
}
"""Sets of public rules → the dialect of their home."""

DATA = (
    "ubuntu_irc_chat",
    "sms_spam_uci_plus",
    "youtube_comments_spam",
    "tweets_hate_davidson2017",
    "wisesight_thai_social",
)
"""Files of real texts."""


def write_rules(name: str, folder: Path) -> Path:
    """Writes a set of public rules as signatures, in the dialect of their home."""
    signatures = [_signature(number, rule, RULE_SETS[name]) for number, rule in enumerate(_rules(name))]
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump({"signatures": signatures}, allow_unicode=True), encoding="utf-8")
    return path


def example_texts(name: str) -> list[str]:
    """Every text that the rules of a set come with, be it to match or not."""
    found = {
        text
        for rule in _rules(name)
        for kind in ("positive", "negative")
        for text in rule[f"examples_{kind}"]
    }
    return sorted(found)


def count_rules(name: str) -> int:
    """How many rules a set has."""
    return len(_rules(name))


def _rules(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in shared(f"rules/{name}.jsonl").read_text("utf-8").splitlines()]


def _signature(number: int, rule: dict[str, Any], dialect: str) -> dict[str, str]:
    identity = re.sub(r"[^a-z0-9._-]+", "-", rule["id"].lower()).strip("-")
    signature = {"id": f"{identity}.{number}", "flags": "".join(sorted(set(rule["flags"])))}
    if rule["kind"] == "literal":
        return {**signature, "literal": rule["literal"]}
    return {**signature, "regex": rule["pattern"], "dialect": dialect}
