import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.datagen.archive import write_archive
from benchmarks.macro.__main__ import agreed_hits
from benchmarks.macro.contestants import Answer, Contestant, contestants
from benchmarks.macro.workload import Workload, make_workload


@pytest.fixture(scope="module")
def workload(tmp_path_factory: pytest.TempPathFactory) -> Workload:
    folder = tmp_path_factory.mktemp("archive")
    write_archive(folder, 2_000, files=1, seed=5)
    return make_workload(next((folder / "archive").iterdir()))


def test_everybody_finds_what_was_planted_in_the_posts(workload: Workload) -> None:
    truth = pq.read_table(workload.path.parents[1] / "truth.parquet").to_pylist()
    asked = {signature.id for signature in workload.ruleset.signatures}
    planted = {
        (row["row_index"], row["signature_id"])
        for row in truth
        if row["column"] == "text" and row["signature_id"] in asked
    }
    assert len(asked) > 10
    assert len(planted) > 10
    for one in contestants(workload):
        assert one.answer(one.run()) == planted, one.name


def test_no_speed_where_the_answers_differ(capsys: pytest.CaptureFixture[str]) -> None:
    def answering(name: str, answer: Answer) -> Contestant:
        return Contestant(name, lambda: pa.table({}), lambda _: answer, rounds=1)

    same = frozenset({(1, "a"), (2, "b")})
    assert agreed_hits([answering("one", same), answering("two", same)]) == 2
    assert agreed_hits([answering("one", same), answering("two", frozenset({(1, "a")}))]) is None
    assert "two differs from one: 0 hits more, 1 fewer" in capsys.readouterr().out


def test_a_signature_that_only_some_can_express_is_left_out(workload: Workload) -> None:
    asked = {signature.id for signature in workload.ruleset.signatures}
    assert workload.left_out > 0
    assert asked.isdisjoint({"pii.phone-number-us", "harassment.placeholder-words", "fraud.job-offer-es"})
