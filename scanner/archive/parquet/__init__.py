"""Parquet files: their footers, which are checked before Arrow trusts them, and how their bytes are fetched."""
