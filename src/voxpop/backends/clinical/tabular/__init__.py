"""A clinical source in a table: CSV or Parquet."""

from voxpop.backends.clinical.tabular.source import COLUMNS, TabularSource, open_clinical

__all__ = ["COLUMNS", "TabularSource", "open_clinical"]
