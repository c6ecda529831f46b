import glob
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scanner.archive.storage.globs import Glob, is_hidden, literal_prefix

FILES = (
    "a", "b.c", "ab", ".a", "_a", "a-b", "[a]", "x/a", "x/ab", "x/.a", "x/y/a", "x/y/b.c", ".x/a", "x/.y/a", "y/x/a",
    "d/b/c/d", "^", "x/!",
)  # fmt: skip
PARTS = st.text("abxy.*?[]!^-c", min_size=1, max_size=5) | st.sampled_from(
    ["**", "*", "x", "[!a]", "[]a]", "[a-c]"]
)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tree")
    for name in FILES:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


@pytest.fixture(scope="module")
def names(tree: Path) -> list[str]:
    return [str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file()]


@given(parts=st.lists(PARTS, min_size=1, max_size=4))
@example(parts=["**"])
@example(parts=["**", "a"])
@example(parts=["x", "**"])
@example(parts=["[]a]"])
@example(parts=["[!]"])
@example(parts=["[!]", "**"])
@example(parts=["[c-a]"])
@example(parts=["[!c-a]"])
@example(parts=["[!]a]"])
def test_a_glob_names_what_it_names_on_the_local_disk(tree: Path, names: list[str], parts: list[str]) -> None:
    pattern = "/".join(parts)
    if any(part in {".", ".."} for part in parts) or (
        "**" in pattern and any("**" in p and p != "**" for p in parts)
    ):
        return  # the disk reads those as paths, and later versions of Python read those otherwise
    found = glob.glob(pattern, root_dir=tree, recursive=True)  # noqa: PTH207 - pathlib reads globs otherwise
    made = Glob(pattern)
    assert {name for name in names if made._names(name)} == {
        name for name in found if name in names and not is_hidden(name)
    }


@given(parts=st.lists(PARTS, min_size=1, max_size=4))
def test_all_that_a_glob_takes_begins_with_its_literal_prefix(names: list[str], parts: list[str]) -> None:
    pattern = "/".join(parts)
    made, prefix = Glob(pattern), literal_prefix(pattern)
    assert not made.takes("x/"), "the mark of a folder is no file"
    for name in (f"{name}{end}" for name in names for end in ("", "/z.parquet")):
        assert name.startswith(prefix) or not made.takes(name)
