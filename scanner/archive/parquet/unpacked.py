"""How much text takes once it is unpacked, by what footers say."""

import pyarrow as pa
import pyarrow.parquet as pq

from scanner.archive.parquet.footers import arrow_errors


def text_sizes(uri: str, footer: bytes) -> tuple[int, int]:
    """Compressed and unpacked bytes of all columns of a file that hold texts or other bytes.

    Args:
        uri: The file, for errors.
        footer: As `scanner.archive.parquet.footers.read_footer` gave it.

    Raises:
        SourceError: The footer cannot be read.
    """
    with arrow_errors(uri), pq.ParquetFile(pa.BufferReader(footer)) as file:
        groups = [file.metadata.row_group(number) for number in range(file.metadata.num_row_groups)]
        columns = [group.column(number) for group in groups for number in range(group.num_columns)]
        texts = [column for column in columns if column.physical_type == "BYTE_ARRAY"]
        stored = sum(column.total_compressed_size for column in texts)
        return stored, sum(column.total_uncompressed_size for column in texts)
