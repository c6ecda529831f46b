"""Runs of what is new, whatever becomes of them, add up to one run over everything."""

import tempfile
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.preparing.resume import new_run
from jobs.running.hunt import Run
from scanner.results.reader import open_results
from tests.support.growing import NOW, WORDS, Step, World, covered, hits_in, hits_of

TEXT = st.lists(st.sampled_from(WORDS), max_size=2).map(" ".join)
STEPS = st.builds(
    Step,
    st.dictionaries(
        st.sampled_from(["a", "b", "c"]),
        st.lists(st.lists(TEXT, min_size=2, max_size=2), min_size=1, max_size=3),
        max_size=3,
    ),
    st.dictionaries(st.sampled_from(["t.y", "t.z"]), st.sampled_from([*WORDS, None]), max_size=2),
    st.integers(0, 1),
    st.sampled_from([None, 1, 2]),
    st.one_of(st.none(), st.sampled_from(WORDS)),
)


@settings(max_examples=25)
@given(st.lists(STEPS, min_size=1, max_size=6))
def test_any_runs_of_what_is_new_find_together_what_one_run_would(steps: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder).resolve())
        world.change(Step({"0": [["one two", "six"]]}))
        for step in steps:
            world.change(step)
            world.run(step)
        ends = [world.run() for _ in range(3)]
        assert not ends[-1], (
            "an unfinished run is gone on with, then what it could not read is read, and that is all"
        )
        whole = world.prepared("whole")
        run = Run(whole, new_run(whole, NOW))
        assert run.execute()["status"] == "complete"
        expected = hits_of(run.uri)
        digests = {each.digest for each in whole.signatures.ruleset.signatures}
        versions = {(info.uri, info.etag) for info in whole.plan.splits.files}
        rows = pa.concat_tables(open_results(uri).hits.to_table() for uri in world.finished())
        found = hits_in(rows)
        assert len(pc.unique(rows["hit_id"])) == len(rows), "no hit is told twice by runs that have ended"
        assert {hit for hit in found if hit[0] in digests and hit[1:3] in versions} == expected
        together = open_results(str(world.folder / "out"), run="all")
        current = together.current_hits()
        assert len(pc.unique(current["hit_id"])) == len(current), "nor with what abandoned runs have found"
        counts = Counter(each for uri in world.finished() for each in covered(uri))
        assert max(counts.values()) == 1, "no two runs that end read the same for the same signature"
