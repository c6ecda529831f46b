import pyarrow as pa
import pytest

from scanner.archive.planning.partitions import batch_with, partitions_of, schema_with


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("/data/event_date=2026-11-01/lang=en/a=b.parquet", {"event_date": "2026-11-01", "lang": "en"}),
        ("s3://bucket/x/lang=__HIVE_DEFAULT_PARTITION__/a.parquet", {"lang": None}),
        ("s3://bucket/city=S%C3%A3o%20Paulo%2FBR/a.parquet", {"city": "São Paulo/BR"}),
        ("/d/odd%20name=a=b/empty=/=x/a.parquet", {"odd name": "a=b", "empty": ""}),
        ("/d/lang=en/lang=de/a.parquet", {"lang": "de"}),
        ("/data/a.parquet", {}),
    ],
)
def test_folders_of_a_path_are_columns(uri: str, expected: dict[str, str | None]) -> None:
    assert partitions_of(uri) == expected


def test_columns_of_the_path_stand_before_those_of_the_file() -> None:
    batch = pa.RecordBatch.from_pydict({"text": ["a", "b"], "lang": [1, 2]})
    made = batch_with(batch, {"lang": "en", "day": None})
    assert made.to_pydict() == {"text": ["a", "b"], "lang": ["en", "en"], "day": [None, None]}
    assert made.schema == schema_with(batch.schema, {"lang": "en", "day": None})
    assert made.schema.field("day").type == pa.string()
    assert batch_with(batch, {}) is batch
