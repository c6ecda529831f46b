from hypothesis import given
from hypothesis import strategies as st

from scanner.archive.planning.listing import Listing
from scanner.archive.storage import FileInfo

NAMES = st.text("ab/é\U0001f600", max_size=4)


@given(st.lists(NAMES))
def test_files_come_sorted_and_once_whatever_the_order_they_were_found_in(names: list[str]) -> None:
    infos = [FileInfo(name, len(name), f"e{name}") for name in names]
    listing = Listing(infos)
    assert list(listing) == sorted(set(infos))
    assert listing[:] == list(listing)
    assert [listing[number] for number in range(len(listing))] == list(listing)


@given(st.lists(NAMES), NAMES)
def test_it_is_known_whether_any_name_begins_like_something(names: list[str], prefix: str) -> None:
    listing = Listing(FileInfo(name, 1, "e") for name in names)
    assert listing.has_below(prefix) == any(name.startswith(prefix) for name in names)


def test_the_number_of_files_is_told_on_the_way() -> None:
    told: list[int] = []
    Listing((FileInfo(f"{number:06}", 1, "e") for number in range(40_000)), told.append)
    assert told == [16_384, 32_768, 40_000]
