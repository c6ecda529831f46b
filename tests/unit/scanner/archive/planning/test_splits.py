import pickle

from hypothesis import given
from hypothesis import strategies as st

from scanner.archive.planning.listing import Listing
from scanner.archive.planning.splits import Part, Splits, split_id
from scanner.archive.storage import FileInfo

FILES = Listing(
    FileInfo(f"s3://b/day={number}/{number}.parquet", number, f"e{number}") for number in range(9)
)
PARTS = st.builds(
    Part,
    st.lists(st.integers(0, 1 << 30), max_size=4, unique=True).map(lambda groups: tuple(sorted(groups))),
    *[st.integers(0, 1 << 50)] * 3,
)
COLUMNS = st.sampled_from([("text",), ("text", "caption"), ("replies[].text",)])


@given(st.lists(st.tuples(st.integers(0, 8), COLUMNS, PARTS), max_size=30), st.sampled_from(["", "n > 5"]))
def test_every_split_comes_out_as_it_was_put_in(
    added: list[tuple[int, tuple[str, ...], Part]], where: str
) -> None:
    splits = Splits(FILES, where)
    for file, columns, part in added:
        splits.add(file, columns, part)
    assert len(splits) == len(added)
    for split, (file, columns, part) in zip(splits, added, strict=True):
        info = FILES[file]
        assert (split.info, split.columns) == (info, columns)
        assert Part(split.row_groups, split.first_row, split.rows, split.text_bytes) == part
        assert split.partitions == (("day", str(file)),)
        assert split.split_id == split_id(info, part.row_groups, columns, where)
    assert splits[-3:] == list(splits)[-3:]
    assert splits.rows == sum(part.rows for _, _, part in added)
    assert splits.row_groups == sum(len(part.row_groups) for _, _, part in added)
    assert list(splits.text_bytes) == [part.text_bytes for _, _, part in added]
    assert pickle.loads(pickle.dumps(splits)) == splits  # noqa: S301 - our own bytes
