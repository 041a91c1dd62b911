"""The index: Parquet files in the protected folder, asked by DuckDB."""

from voxpop.backends.index.duckdb.index import ParquetIndex, open_index

__all__ = ["ParquetIndex", "open_index"]
