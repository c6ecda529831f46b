"""A run whose finish is killed at any step, however often, ends as if it had not been."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scanner.archive import storage
from scanner.results import compact, layout
from scanner.results.finish import finish
from scanner.results.limits import Limits
from scanner.results.reader import open_results
from scanner.results.record import read_record
from tests.support.results import HUNT, RUN_ID, commit_split, hit, record, write_hits

LIMITED = record(limits=Limits(stored_hits_per_signature=20))
OPEN, CLOSE, CREATE, DELETE, DRAFTS = "open", "close", "create", "delete", "drafts"
STEPS = [*[OPEN, CLOSE] * 5, CREATE, OPEN, CLOSE, *[DELETE] * 4, *[DRAFTS] * 6]


class Killed(BaseException):
    """What a process that is killed sees of it: nothing is handled."""


def unfinished(folder: Path) -> str:
    uri = layout.run_uri(str(folder), HUNT, RUN_ID)
    for split in range(3):
        rows = range(split * 100, split * 100 + 30)
        commit_split(uri, split, [hit("fraud.a", row, "ann") for row in rows])
    write_hits(uri, "orphan.parquet", [hit("fraud.a", 999)])
    return uri


def files(uri: str) -> dict[str, Any]:
    paths = [path for path in Path(uri).rglob("*") if path.is_file()]
    return {str(path.relative_to(uri)): path.read_bytes() for path in paths}


class Steps:
    """Notes what is done to the store, and dies before one of these steps."""

    def __init__(self, patch: pytest.MonkeyPatch, deadly: int | None = None) -> None:
        self.done: list[str] = []
        self._deadly = deadly
        self._lock = threading.Lock()
        open_output = storage.open_output

        @contextlib.contextmanager
        def opened(uri: str) -> Iterator[pa.NativeFile]:
            self._step(OPEN)
            with open_output(uri) as sink:
                yield sink
                self._step(CLOSE)

        patch.setattr(storage, "open_output", opened)
        for name, function in ((CREATE, "create"), (DELETE, "delete"), (DRAFTS, "delete_drafts")):
            patch.setattr(storage, function, self._dying(name, getattr(storage, function)))

    def _dying(self, name: str, function: Callable[..., None]) -> Callable[..., None]:
        def call(*args: object) -> None:
            self._step(name)
            function(*args)

        return call

    def _step(self, name: str) -> None:
        with self._lock:
            if len(self.done) == self._deadly:
                raise Killed
            self.done.append(name)


def killed(uri: str, deadly: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        Steps(patch, deadly)
        with pytest.raises(Killed):
            finish(uri, LIMITED)


@pytest.fixture(scope="module", autouse=True)
def small_files() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compact, "ROW_GROUP_HITS", 8)
        patch.setattr(compact, "FILE_HITS", 8)
        yield


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    uri = unfinished(tmp_path_factory.mktemp("undisturbed"))
    with pytest.MonkeyPatch.context() as patch:
        steps = Steps(patch)
        finish(uri, LIMITED)
    assert steps.done == STEPS, (
        "two tables, three files of hits, the record, a copy, deleted files and drafts"
    )
    assert len(pq.read_table(layout.hits_folder_uri(uri))) == 20
    return files(uri)


@pytest.mark.parametrize("deadly", range(len(STEPS)))
def test_every_step_can_be_repeated(tmp_path: Path, undisturbed: dict[str, Any], deadly: int) -> None:
    uri = unfinished(tmp_path)
    killed(uri, deadly)
    published = deadly > STEPS.index(CREATE)
    assert (read_record(uri) is not None) == published
    hits = open_results(str(tmp_path), run=RUN_ID).hits.to_table()
    assert len(hits) == (20 if published else 90), "whoever reads it now sees all hits, and none twice"
    finish(uri, LIMITED)
    assert files(uri) == undisturbed


def test_a_finish_may_be_killed_at_one_step_after_the_other(
    tmp_path: Path, undisturbed: dict[str, Any]
) -> None:
    uri = unfinished(tmp_path)
    for deadly in range(STEPS.index(CREATE) + 1):
        killed(uri, deadly)
    finish(uri, LIMITED)
    assert files(uri) == undisturbed


def test_several_may_finish_a_run_at_once(tmp_path: Path, undisturbed: dict[str, Any]) -> None:
    uri = unfinished(tmp_path)
    together = threading.Barrier(4)

    def finished(_: int) -> dict[str, Any]:
        together.wait()
        return finish(uri, LIMITED)

    with ThreadPoolExecutor(together.parties) as pool:
        documents = list(pool.map(finished, range(together.parties)))
    assert all(document == documents[0] for document in documents)
    assert files(uri) == undisturbed
