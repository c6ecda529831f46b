"""A run whose finish is killed at any step, however often, ends as if it had not been."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from scanner.archive import storage
from scanner.results import layout
from scanner.results.finish import finish
from scanner.results.limits import Limits
from scanner.results.record import read_record
from tests.support.results import commit_split, hit, record, write_hits

STEPS = ("open_output", "create", "delete", "delete_drafts")
LIMITED = record(limits=Limits(stored_hits_per_signature=20))


class Killed(BaseException):
    """What a process that is killed sees of it: nothing is handled."""


def unfinished(folder: Path) -> str:
    uri = str(folder)
    for split in range(3):
        rows = range(split * 100, split * 100 + 30)
        commit_split(uri, split, [hit("fraud.a", row, "ann") for row in rows])
    write_hits(uri, "orphan.parquet", [hit("fraud.a", 999)])
    return uri


def finished_files(uri: str) -> dict[str, Any]:
    tables = {path.name: pq.read_table(path).to_pylist() for path in Path(uri).rglob("*.parquet")}
    return {**tables, "run.json": read_record(uri)}


class Steps:
    """Counts what is done to the store, and dies before one of these steps."""

    def __init__(self, patch: pytest.MonkeyPatch, deadly: int | None = None) -> None:
        self.done = 0
        self._deadly = deadly
        for name in STEPS:
            patch.setattr(storage, name, self._dying(getattr(storage, name)))

    def _dying(self, step: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            if self.done == self._deadly:
                raise Killed
            self.done += 1
            return step(*args)

        return call


def test_every_step_can_be_repeated(tmp_path: Path) -> None:
    undisturbed = unfinished(tmp_path / "undisturbed")
    with pytest.MonkeyPatch.context() as patch:
        steps = Steps(patch)
        finish(undisturbed, LIMITED)
    assert steps.done == 9, (
        "three files of hits are cut, two tables and a record written, one orphan and drafts deleted"
    )
    for deadly in range(steps.done):
        uri = unfinished(tmp_path / str(deadly))
        with pytest.MonkeyPatch.context() as patch:
            Steps(patch, deadly)
            with pytest.raises(Killed):
                finish(uri, LIMITED)
        assert read_record(uri) is None
        finish(uri, LIMITED)
        assert finished_files(uri) == finished_files(undisturbed)
    assert len(pq.read_table(layout.hits_folder_uri(undisturbed))) == 20
