"""The hunt file: what to hunt, where, with which signatures, and where the results go."""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from jobs.hunt_file import alert_keys, format_keys, limit_keys, schedule_keys
from jobs.hunt_file.alert_keys import Alerts
from jobs.hunt_file.cluster_keys import ANY_MACHINES, Machines, read_machines
from jobs.hunt_file.schedule_keys import Schedule
from jobs.hunt_file.storage_keys import as_written, read_storage
from scanner.archive import storage
from scanner.archive.columns.paths import ColumnError, ColumnPath
from scanner.archive.storage import StorageSettings
from scanner.archive.where import Predicate, WhereError
from scanner.errors import HuntError, Problem
from scanner.results.limits import Limits
from scanner.results.mask import Evidence
from scanner.signatures import source

MAX_FILE_BYTES = 1_000_000

_NAME = re.compile(r"[a-z][a-z0-9._-]{0,63}")
_KEYS = (
    "hunt",
    "archive",
    "signatures",
    "output",
    "evidence",
    "limits",
    "storage",
    "cluster",
    "schedule",
    "alerts",
)
_ARCHIVE_KEYS = (
    "uri",
    "manifest",
    "text_columns",
    "record_id",
    "actor_id",
    "event_time",
    "carry",
    "where",
    "optional",
    *format_keys.KEYS,
)

TextColumns = tuple[str, ...] | Literal["auto"]


@dataclass(frozen=True, slots=True)
class HuntSpec:
    """A hunt as its file describes it.

    Attributes:
        hunt: Its name.
        uris: Files, folders and globs of the archive, absolute; none only where there is a manifest.
        text_columns: Columns to hunt, or ``auto`` for every text column.
        record_id: Column that names a record.
        actor_id: Column that names who wrote it.
        event_time: Column that says when.
        carry: Columns that are copied to each hit.
        signatures: Files and folders of signatures; at least one.
        output: Folder of the results, absolute.
        evidence: What of the matched text a result keeps.
        file: The hunt file, as the user named it.
        manifest: File that lists more of the archive, absolute; None where there is none.
        storage: How stores are reached, as the file and the environment say.
        where: Which records are hunted; None for all.
        optional: Text columns that a file of the archive may lack.
        format: How the files are written; None where their names tell.
        at: Version or snapshot of a table; None for the latest, and where it is none.
        limits: What bounds a run.
        machines: Which machines of a cluster it wants.
        schedule: When it comes again; None where it does not.
        alerts: Who is told when a run needs somebody.
        lines: Line of each key that the file holds, by its dotted name.
    """

    hunt: str
    uris: tuple[str, ...]
    text_columns: TextColumns
    record_id: str | None
    actor_id: str | None
    event_time: str | None
    carry: tuple[str, ...]
    signatures: tuple[str, ...]
    output: str
    evidence: Evidence
    file: str
    manifest: str | None = None
    storage: StorageSettings = field(default_factory=StorageSettings)
    where: Predicate | None = None
    optional: tuple[str, ...] = ()
    format: str | None = None
    at: int | None = None
    limits: Limits = field(default_factory=Limits)
    machines: Machines = ANY_MACHINES
    schedule: Schedule | None = None
    alerts: Alerts = field(default_factory=Alerts)
    lines: Mapping[str, int] = field(default_factory=dict)

    def problem(self, key: str, message: str) -> Problem:
        """A problem with the value of one key, such as ``archive.uri``."""
        return Problem(self.file, self.lines.get(key, 0), key, message)

    def as_dict(self) -> dict[str, object]:
        """The hunt in the shape of its file, for the record of a run."""
        archive = {
            "uri": list(self.uris),
            "manifest": self.manifest,
            "text_columns": self.text_columns if self.text_columns == "auto" else list(self.text_columns),
            "record_id": self.record_id,
            "actor_id": self.actor_id,
            "event_time": self.event_time,
            "carry": list(self.carry),
            "where": None if self.where is None else self.where.text,
            "optional": list(self.optional),
        }
        limits = limit_keys.as_written(self.limits)
        storage_keys = as_written(self.storage, storage.from_environment())
        return {
            "hunt": self.hunt,
            "archive": {
                **{key: value for key, value in archive.items() if value},
                **format_keys.as_written(self.format, self.at),
            },
            "signatures": list(self.signatures),
            "output": self.output,
            "evidence": self.evidence,
            **({"limits": limits} if limits else {}),
            **({"cluster": machines} if (machines := self.machines.as_written()) else {}),
            **({"storage": storage_keys} if storage_keys else {}),
            **({"schedule": schedule_keys.as_written(self.schedule)} if self.schedule else {}),
            **({"alerts": alert_keys.as_written(self.alerts)} if self.alerts else {}),
        }


def load_hunt(path: str | Path) -> HuntSpec:
    """Reads a hunt file. Relative paths in it are relative to the file.

    Raises:
        HuntError: With everything that is wrong with it.
    """
    file = str(path)
    document = _read(file)
    reader = _Reader(file, document)
    spec = reader.spec()
    if reader.problems or spec is None:
        raise HuntError(tuple(sorted(reader.problems, key=lambda problem: problem.line)))
    return spec


def _read(file: str) -> source.Document:
    try:
        with Path(file).open("rb") as stream:
            data = stream.read(MAX_FILE_BYTES + 1)
        if len(data) > MAX_FILE_BYTES:
            raise HuntError((Problem(file, 0, "", "is larger than 1 MB; this is not a hunt file"),))
        return source.read_document(data.decode("utf-8-sig"))
    except OSError as error:
        message = f"cannot be read: {(error.strerror or str(error)).lower()}"
        raise HuntError((Problem(file, 0, "", message),)) from error
    except UnicodeDecodeError as error:
        raise HuntError((Problem(file, 0, "", "is not UTF-8 text; save it as UTF-8"),)) from error
    except source.UnreadableError as error:
        raise HuntError((Problem(file, error.line, "", error.message),)) from error


class _Reader:
    """Takes the values out of a document and notes what is wrong with them."""

    def __init__(self, file: str, document: source.Document) -> None:
        self._file = file
        self._document = document
        self._noted = {finding.path for finding in document.findings}
        self.problems = [Problem(file, f.line, _dotted(f.path), f.message) for f in document.findings]

    def spec(self) -> HuntSpec | None:
        """The hunt; worthless where problems were found."""
        top = self._document.value
        if not isinstance(top, dict):
            self._wrong((), f"is not a hunt; write the keys {_listed(_KEYS)}")
            return None
        self._check_keys((), top, _KEYS)
        archive = self._value(("archive",), top, required=True) or {}
        if not isinstance(archive, dict):
            self._wrong(("archive",), "must be a map; write `uri:` and the others below it, indented")
            archive = {}
        self._check_keys(("archive",), archive, _ARCHIVE_KEYS)
        text_columns = self._text_columns(archive)
        form, at = format_keys.read_format(archive, self._wrong)
        return HuntSpec(
            hunt=self._name(top),
            uris=self._locations(
                ("archive", "uri"), archive, required=bool(archive) and "manifest" not in archive
            ),
            text_columns=text_columns,
            record_id=self._column("record_id", archive),
            actor_id=self._column("actor_id", archive),
            event_time=self._column("event_time", archive),
            carry=self._columns("carry", archive),
            signatures=self._signatures(top),
            output=self._location(("output",), self._text(("output",), top, required=True)),
            evidence=self._evidence(top),
            file=self._file,
            manifest=self._location(("archive", "manifest"), self._text(("archive", "manifest"), archive))
            or None,
            storage=read_storage(top.get("storage"), storage.from_environment(), self._wrong),
            where=self._where(archive),
            optional=self._optional(archive, text_columns),
            format=form,
            at=at,
            limits=limit_keys.read_limits(top.get("limits"), self._wrong),
            machines=read_machines(top.get("cluster"), self._wrong),
            schedule=schedule_keys.read_schedule(top.get("schedule"), self._wrong),
            alerts=alert_keys.read_alerts(top.get("alerts"), Path(self._file).parent, self._wrong),
            lines={_dotted(path): mark.line for path, mark in self._document.marks.items()},
        )

    def _wrong(self, path: source.Path, message: str) -> None:
        if path not in self._noted:
            line = self._document.mark(path).line
            self.problems.append(Problem(self._file, line, _dotted(path), message))

    def _check_keys(self, path: source.Path, found: Mapping[str, object], known: Sequence[str]) -> None:
        for key in found:
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1)
                remedy = f"did you mean `{near[0]}`?" if near else f"the keys here are {_listed(known)}"
                self._wrong((*path, key), f"there is no such key; {remedy}")

    def _value(
        self, path: source.Path, within: Mapping[str, source.Value], *, required: bool = False
    ) -> source.Value | None:
        key = str(path[-1])
        if key not in within and required:
            self._wrong(path, f"is missing; write `{key}: {_EXAMPLES[key]}`")
        return within.get(key)

    def _text(self, path: source.Path, within: Mapping[str, source.Value], *, required: bool = False) -> str:
        value = self._value(path, within, required=required)
        if isinstance(value, str) and value:
            return value
        if value is not None:
            self._wrong(path, "must be one text")
        return ""

    def _texts(
        self, path: source.Path, within: Mapping[str, source.Value], *, required: bool = False
    ) -> tuple[str, ...]:
        value = self._value(path, within, required=required)
        if value is None:
            return ()
        texts = value if isinstance(value, list) else [value]
        good = [text for text in texts if isinstance(text, str) and text]
        if not texts or len(good) < len(texts):
            self._wrong(path, "must be a text or a list of texts, none of them empty")
        twice = next((text for text in good if good.count(text) > 1), None)
        if twice is not None:
            self._wrong(path, f"`{twice}` is listed twice; remove one of them")
        return tuple(good)

    def _name(self, top: Mapping[str, source.Value]) -> str:
        name = self._text(("hunt",), top, required=True)
        if name and not _NAME.fullmatch(name):
            rule = (
                "a name begins with a-z, goes on with a-z, 0-9, `.`, `_`, `-`, and has at most 64 characters"
            )
            self._wrong(("hunt",), rule)
        return name

    def _signatures(self, top: Mapping[str, source.Value]) -> tuple[str, ...]:
        """Paths as short as the user's own, because messages about signatures name them."""
        folder = Path(self._file).parent
        return tuple(str(folder / text) for text in self._texts(("signatures",), top, required=True))

    def _locations(
        self, path: source.Path, within: Mapping[str, source.Value], *, required: bool
    ) -> tuple[str, ...]:
        return tuple(self._location(path, text) for text in self._texts(path, within, required=required))

    def _location(self, path: source.Path, text: str) -> str:
        if not text:
            return ""
        uri = text if "://" in text else str(Path(self._file).parent / text)
        try:
            return storage.canonical(uri)
        except HuntError as error:
            # The text itself may hold a secret; what is told of it does not.
            named = error.problems[0].file
            self._wrong(path, f"`{text if named == uri else named}`: {error.problems[0].message}")
            return ""

    def _text_columns(self, archive: Mapping[str, source.Value]) -> TextColumns:
        if archive.get("text_columns", "auto") == "auto":
            return "auto"
        return self._columns("text_columns", archive)

    def _columns(self, key: str, archive: Mapping[str, source.Value]) -> tuple[str, ...]:
        path = ("archive", key)
        return tuple(self._parsed(path, text) for text in self._texts(path, archive))

    def _column(self, key: str, archive: Mapping[str, source.Value]) -> str | None:
        path = ("archive", key)
        text = self._text(path, archive)
        return self._parsed(path, text) if text else None

    def _parsed(self, path: source.Path, text: str) -> str:
        try:
            return str(ColumnPath.parse(text))
        except ColumnError as error:
            self._wrong(path, str(error))
            return ""

    def _optional(self, archive: Mapping[str, source.Value], columns: TextColumns) -> tuple[str, ...]:
        path, given = ("archive", "optional"), archive.get("optional", "false")
        if given == "false":
            return ()
        if columns == "auto":
            self._wrong(
                path, "needs named text columns; with `auto` a file is hunted in the columns that it has"
            )
            return ()
        if given == "true":
            return columns
        optional = self._columns("optional", archive)
        for column in optional:
            if column and column not in columns:
                self._wrong(path, f"`{column}` is not one of the text columns; name it there too")
        return optional

    def _where(self, archive: Mapping[str, source.Value]) -> Predicate | None:
        path = ("archive", "where")
        text = self._text(path, archive)
        try:
            return Predicate.parse(text) if text else None
        except WhereError as error:
            mark, position = self._document.mark(path), error.position
            lines = text[:position].split("\n") if mark.style == "|" else []
            place = f"{_dotted(path)}: at character {(len(lines[-1]) if lines else position) + 1}"
            self.problems.append(Problem(self._file, mark.line + len(lines), place, error.message))
            return None

    def _evidence(self, top: Mapping[str, source.Value]) -> Evidence:
        kinds: tuple[Evidence, ...] = get_args(Evidence)
        value = top.get("evidence", "masked")
        for kind in kinds:
            if value == kind:
                return kind
        self._wrong(("evidence",), f"must be one of {_listed(kinds)}")
        return "masked"


_EXAMPLES = {
    "hunt": "nightly-fraud",
    "archive": "` and below it, indented, `uri: archive/",
    "uri": "archive/",
    "signatures": "signatures/",
    "output": "results/",
}


def _dotted(path: source.Path) -> str:
    return ".".join(str(part) for part in path if isinstance(part, str))


def _listed(keys: Sequence[str]) -> str:
    return ", ".join(f"`{key}`" for key in keys)
