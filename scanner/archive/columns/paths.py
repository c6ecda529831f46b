"""Names of columns, nested ones too.

``author.bio`` is a field of a struct, ``replies[].text`` that field of every struct in a list, ``tags[]`` every
element of a list, ``attrs{}`` every value of a map, ``payload->$.message`` a member of the JSON in a text. A name
that holds a character with a meaning here is written between backticks.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from scanner.errors import HindcastError

_NAME: Final = r"(?:(?!->)[^.\[\]{}$`])+"
_STEP: Final = re.compile(rf"(?:({_NAME})|`((?:[^`]|``)+)`)((?:\[\]|\{{\}})*)(\.|->|\Z)")
_MEMBER: Final = r"[^\W\d]\w*"
_QUOTED: Final = r'"(?:[^"\\]|\\.)*"'
_JSON_STEP: Final = re.compile(rf"\.({_MEMBER})|\[(?:({_QUOTED})|(\d{{1,9}})|(\*))\]")

JsonStep = str | int | None
"""A member of an object, an element of an array, or None for every element."""


class ColumnError(HindcastError):
    """A column is not there, or is not what it is asked to be.

    Attributes:
        path: The column as it was asked for.
        message: What is wrong and what to write instead.
    """

    def __init__(self, path: str, message: str) -> None:
        super().__init__(path, message)
        self.path = path
        self.message = message

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


class NoColumnError(ColumnError):
    """A column is not there."""


@dataclass(frozen=True, slots=True)
class Step:
    """One part of a path: a field, and the lists and maps that are opened below it.

    Attributes:
        name: The field.
        opened: ``[]`` for each list and ``{}`` for each map, the outermost first.
    """

    name: str
    opened: str = ""

    def __str__(self) -> str:
        return quoted(self.name) + self.opened

    @property
    def openings(self) -> list[str]:
        """Each list and map that is opened."""
        return [self.opened[start : start + 2] for start in range(0, len(self.opened), 2)]


@dataclass(frozen=True, slots=True)
class ColumnPath:
    """The way from a record to its cells, as a hunt names it.

    Attributes:
        steps: Fields from the record down; at least one.
        json: The way on into the JSON that the cells hold; None where they are taken as they are.
    """

    steps: tuple[Step, ...]
    json: tuple[JsonStep, ...] | None = None

    @classmethod
    def parse(cls, text: str) -> "ColumnPath":
        """Reads a path such as ``author.bio``, ``replies[].text``, ``attrs{}`` or ``payload->$.items[*].text``.

        Raises:
            ColumnError: It is no path.
        """
        steps = []
        position, after = 0, "."
        while after == ".":
            found = _STEP.match(text, position)
            if found is None:
                raise ColumnError(text, _NO_PATH)
            plain, backticked, opened, after = found.groups()
            steps.append(Step(plain or backticked.replace("``", "`"), opened))
            position = found.end()
        return cls(tuple(steps), _json_steps(text, position) if after else None)

    def __str__(self) -> str:
        return ".".join(map(str, self.steps)) + ("" if self.json is None else f"->{show_json(self.json)}")

    @property
    def flat(self) -> str:
        """The path of the column without any backticks, which is what most people write."""
        return ".".join(step.name + step.opened for step in self.steps)

    @property
    def column(self) -> "ColumnPath":
        """The path of the column, without the way into its JSON."""
        return replace(self, json=None)

    @property
    def is_single(self) -> bool:
        """True where a record has one value of it, as it stands in the archive."""
        return self.json is None and not any(step.opened for step in self.steps)


def quoted(name: str) -> str:
    """A name as paths write it: between backticks where it needs them."""
    return name if re.fullmatch(_NAME, name) else f"`{name.replace('`', '``')}`"


def show_json(steps: Iterable[JsonStep]) -> str:
    """A way into JSON, as paths write it."""
    return "$" + "".join(map(_show, steps))


def _show(step: JsonStep) -> str:
    if step is None:
        return "[*]"
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if re.fullmatch(_MEMBER, step) else f"[{json.dumps(step, ensure_ascii=False)}]"


def _json_steps(text: str, position: int) -> tuple[JsonStep, ...]:
    steps: list[JsonStep] = []
    if not text.startswith("$", position):
        raise ColumnError(text, _NO_JSON_PATH)
    position += 1
    while position < len(text):
        found = _JSON_STEP.match(text, position)
        if found is None:
            raise ColumnError(text, _NO_JSON_PATH)
        member, name, index, _every = found.groups()
        try:
            steps.append(member or (json.loads(name) if name else int(index) if index else None))
        except ValueError:
            raise ColumnError(text, _NO_JSON_PATH) from None
        position = found.end()
    return tuple(steps)


_NO_PATH: Final = (
    "is not a column path; write `name`, `struct.field`, `list[]`, `list[].field`, `map{}` or `json->$.member`; "
    "names with odd characters go between backticks"
)
_NO_JSON_PATH: Final = (
    'is not a path into JSON; write `->$` and then any of `.member`, `["odd member"]`, `[0]` and `[*]`'
)
