"""The requests that `jobs.cluster.sizing` foretells are those that a hunt makes; its constants follow these."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.cli.main import main
from jobs.cluster.sizing import RUN_DELETES, RUN_GETS, RUN_LISTS, RUN_PUTS, Requests
from scanner.archive import storage
from tests.support import servers
from tests.support.iam import Environ, StartResponse, guarded_s3

FILES = 24
ROWS = 100


class Counted:
    """Counts requests by how they are charged, on their way to the store."""

    def __init__(self, application: object) -> None:
        self._application = application
        self.seen: Counter[str] = Counter()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        listing = "list-type" in environ.get("QUERY_STRING", "")
        self.seen["LIST" if listing else environ["REQUEST_METHOD"].replace("HEAD", "GET")] += 1
        answered: Iterable[bytes] = self._application(environ, start_response)  # type: ignore[operator]
        return answered


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counted]:
    with guarded_s3() as (endpoint, guard):
        for name, value in {**servers.CREDENTIALS, "AWS_ENDPOINT_URL": endpoint}.items():
            monkeypatch.setenv(name, value)
        client = boto3.client("s3", endpoint_url=endpoint)
        for bucket in ("sized-dumps", "sized-hunts"):
            client.create_bucket(Bucket=bucket)
        sink = BytesIO()
        texts = ["a needle" if row % 10 == 0 else "hay" for row in range(ROWS)]
        pq.write_table(pa.table({"id": list(map(str, range(ROWS))), "text": texts}), sink)
        for number in range(FILES):
            key = f"comments/{number}.parquet"
            client.put_object(Bucket="sized-dumps", Key=key, Body=sink.getvalue())
        client.close()
        storage.configure(None)
        counted = Counted(guard.application)
        guard.application = counted
        yield counted
    storage.configure(None)


def test_a_hunt_asks_for_what_was_foretold(
    counted: Counted, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pack.yaml").write_text("signatures: [{id: t.needle, literal: needle}]\n")
    (tmp_path / "hunt.yaml").write_text(
        "hunt: small\narchive: {uri: 's3://sized-dumps/comments/', record_id: id}\n"
        "signatures: pack.yaml\noutput: s3://sized-hunts/results/\n"
    )
    file = str(tmp_path / "hunt.yaml")
    assert main(["plan", file, "--cluster", "2x4", "--json"]) == 0
    size = json.loads(capsys.readouterr().out)["cluster"]
    assert (size["cores"], size["busy_cores"]) == (8, 8)
    foretold = Requests(**size["requests"])

    counted.seen.clear()
    assert main(["hunt", file, "--quiet", "--json", "--executor", "inline"]) == 0
    assert json.loads(capsys.readouterr().out)["totals"]["hits"] == FILES * ROWS / 10
    # The footers are known since the plan.
    seen = counted.seen + Counter(GET=FILES)
    assert abs(seen["LIST"] - foretold.lists) <= RUN_LISTS / 2
    assert abs(seen["GET"] - foretold.gets) <= RUN_GETS
    assert abs(seen["PUT"] - foretold.puts) <= RUN_PUTS
    assert abs(seen["DELETE"] - foretold.deletes) <= RUN_DELETES
