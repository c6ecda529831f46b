"""How many requests it takes to plan an archive on an object store, and to read a split of it."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scanner.archive import storage
from scanner.archive.parquet.footer_cache import FooterCache
from scanner.archive.plan import Plan, make_plan
from scanner.archive.read import read_split
from scanner.archive.where import Predicate
from tests.support.faults import Faults, faulty

FILES = 20


@pytest.fixture
def requests(s3_endpoint: str, s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Faults]:
    """What is asked of a store with files of two days, the first of which has a footer that takes two requests."""
    for number in range(FILES):
        others: dict[str, list[int]] = {f"c{n}": [n, n] for n in range(1_500 if number == 0 else 0)}
        pq.write_table(pa.table({"text": ["one", "two"], **others}), tmp_path / "file")
        with storage.open_output(f"{s3}/day={number % 2}/{number:02}.parquet") as sink:
            sink.write((tmp_path / "file").read_bytes())
    with faulty(s3_endpoint) as faults:
        monkeypatch.setenv("AWS_ENDPOINT_URL", faults.endpoint)
        storage.configure(None)
        yield faults
        storage.configure(None)


def planned(
    requests: Faults, s3: str, footers: FooterCache, where: str | None = None
) -> tuple[Plan, int, int]:
    """A plan, the listings and the reads that it took."""
    requests.requests.clear()
    predicate = None if where is None else Predicate.parse(where)
    plan = make_plan([s3], ["text"], where=predicate, footers=footers)
    asked = [(method, ".parquet" in path) for method, path in requests.requests]
    assert asked.count(("HEAD", True)) == 0, "sizes and versions come from the listing"
    return plan, asked.count(("GET", False)), asked.count(("GET", True))


def test_a_file_takes_one_request_to_plan_none_the_second_time_and_its_footer_is_not_read_again(
    requests: Faults, s3: str
) -> None:
    with closing(FooterCache()) as footers:
        plan, listings, reads = planned(requests, s3, footers)
        assert (len(plan.splits), listings, reads) == (FILES, 1, FILES + 1)
        assert planned(requests, s3, footers) == (plan, 1, 0)
        split = plan.splits[0]
        footer = footers.get(split.info)
        counts = []
        for known in (footer, None):
            requests.requests.clear()
            (_batch,) = read_split(split, ["text"], footer=known)
            counts.append(sum(method == "GET" for method, _ in requests.requests))
        assert counts[1] - counts[0] == 2, "the long footer of this file"


def test_files_that_a_predicate_rules_out_by_their_folders_are_not_asked_for(
    requests: Faults, s3: str
) -> None:
    with closing(FooterCache()) as footers:
        plan, listings, reads = planned(requests, s3, footers, "day = 1")
        assert (len(plan.splits), listings) == (FILES // 2, 1)
        assert reads == FILES // 2 + 2, (
            "and the first file of all, whose footer makes the key of the match hashes"
        )
