import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.archive.storage.names import canonical, parse
from scanner.errors import HuntError


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("s3://bucket/a/b.parquet", "s3://bucket/a/b.parquet"),
        ("S3A://bucket/a/", "s3://bucket/a"),
        ("s3n://bucket", "s3://bucket"),
        ("gcs://my.bucket_1//a//", "gs://my.bucket_1//a"),
        ("gs://bucket/%20 ä?#*[", "gs://bucket/%20 ä?#*["),
        ("s3://bucket/a/../b", "s3://bucket/a/../b"),
    ],
)
def test_a_name_has_one_form_and_nothing_in_it_is_decoded(uri: str, name: str) -> None:
    assert canonical(uri) == name
    assert canonical(name) == name


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0?&@"), max_size=30))
def test_a_key_is_what_follows_the_bucket(key: str) -> None:
    assert parse(f"s3://bucket/{key}").key == key.rstrip("/")


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("https://bucket.s3.amazonaws.com/a", "write|name what it serves as `s3://bucket/key`"),
        ("oci://bucket@namespace/a", "holds a secret"),
        ("oci://bucket/a", "the endpoint of its S3-compatible interface"),
        ("abfss://a/b", "`abfss://` is no store that hindcast reads; write an `s3://` or `gs://` URI"),
        ("s3://", "names no bucket"),
        ("s3://-bucket/a", "names no bucket"),
        ("s3://bucket/a\0b", "leave the NUL character out"),
        ("s3://bucket/\udcff", "the name is not UTF-8"),
    ],
)
def test_what_names_no_store_is_told_with_a_remedy(uri: str, words: str) -> None:
    with pytest.raises(HuntError, match=words):
        canonical(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "s3://AKIA:hush@bucket/a",
        "s3a://hush@bucket",
        "https://bucket.s3.amazonaws.com/a?X-Amz-Credential=hush&X-Amz-Signature=hush",
        "s3://bucket/a?access_key=hush&endpoint=x",
        "gs://bucket/a?x=1&token=hush",
        "https://storage.googleapis.com/b/a?GoogleAccessId=x&Signature=hush",
    ],
)
def test_a_secret_in_a_name_is_refused_and_not_repeated(uri: str) -> None:
    with pytest.raises(HuntError, match="holds a secret; secrets never stand in a name") as caught:
        canonical(uri)
    assert "hush" not in str(caught.value)
    assert "AKIA" not in str(caught.value)
