"""Rows of a query or of a list."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from . import html

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

    from ._native import Rows

#: Rows that are shown.
SHOWN = 20


class Frame:
    """Rows in memory, in Arrow's form.

    Every library that reads Arrow takes it as it is, without a copy: ``pyarrow.table(frame)``, ``polars.DataFrame(frame)``,
    ``duckdb.sql("select * from frame")``. :meth:`to_pandas` and the others do the same, and say what to install where it is missing.

    Times are timestamps in microseconds with the time zone UTC, money is a decimal with four digits behind the point, and what is
    nested in the API is a struct or a list.
    """

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._rows.__arrow_c_stream__(requested_schema)

    def __arrow_c_schema__(self) -> object:
        return self._rows.__arrow_c_schema__()

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return [name for name, _ in self._rows.columns()]

    @property
    def dtypes(self) -> dict[str, str]:
        """Types of the columns, as ``decimal(19,4)`` or ``struct<id: int, name: string>``."""
        return dict(self._rows.columns())

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of columns."""
        return len(self), len(self.columns)

    def to_arrow(self) -> pyarrow.Table:
        """A ``pyarrow.Table``."""
        return _library("pyarrow").table(self)

    def to_pandas(self, **options: Any) -> pandas.DataFrame:
        """A ``pandas.DataFrame``; ``options`` are those of ``pyarrow.Table.to_pandas``."""
        _library("pandas")
        frame: pandas.DataFrame = self.to_arrow().to_pandas(**options)
        return frame

    def to_polars(self) -> polars.DataFrame:
        """A ``polars.DataFrame``."""
        frame: polars.DataFrame = _library("polars").DataFrame(self)
        return frame

    def to_dicts(self) -> list[dict[str, Any]]:
        """A dictionary a row."""
        rows: list[dict[str, Any]] = self.to_arrow().to_pylist()
        return rows

    def __repr__(self) -> str:
        rows, columns = self.shape
        shown = html.plain(self.columns, self._rows.cells(SHOWN))
        return f"{shown}\n[{rows:,} rows, {columns:,} columns]"

    def _repr_html_(self) -> str:
        rows, columns = self.shape
        header = [f"{name}\n{kind}" for name, kind in self._rows.columns()]
        return html.table(header, self._rows.cells(SHOWN), footer=f"{rows:,} rows, {columns:,} columns")


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(f"this needs the package {name}, which isn't installed: pip install {name}") from error
