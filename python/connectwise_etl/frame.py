"""Rows of a query or of a list."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from . import html

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow
    from pyspark.sql import DataFrame, SparkSession

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
    def schema(self) -> pyarrow.Schema:
        """The columns as a ``pyarrow.Schema``."""
        return library("pyarrow").schema(self)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of columns."""
        return len(self), len(self.columns)

    def to_arrow(self) -> pyarrow.Table:
        """A ``pyarrow.Table``."""
        return library("pyarrow").table(self)

    def to_pandas(self, **options: Any) -> pandas.DataFrame:
        """A ``pandas.DataFrame``; ``options`` are those of ``pyarrow.Table.to_pandas``."""
        library("pandas")
        frame: pandas.DataFrame = self.to_arrow().to_pandas(**options)
        return frame

    def to_polars(self) -> polars.DataFrame:
        """A ``polars.DataFrame``."""
        frame: polars.DataFrame = library("polars").DataFrame(self)
        return frame

    def to_spark(self, spark: SparkSession) -> DataFrame:
        """A ``DataFrame`` of a Spark session, with the same columns and types.

        The rows go from here to the session, so that they have to fit into the memory of both: Spark 4 takes them as they are,
        Spark 3.5 one by one.
        """
        version: str = library("pyspark").__version__
        table = self.to_arrow()
        # An empty table it takes for one without columns.
        if table.num_rows > 0 and int(version.split(".")[0]) >= 4:
            return spark.createDataFrame(table)
        schema = library("pyspark.sql.pandas.types").from_arrow_schema(table.schema)
        makers = [_maker(kind) for kind in table.schema.types]
        columns = [
            column.to_pylist() if make is None else [make(value) for value in column.to_pylist()]
            for make, column in zip(makers, table.columns)
        ]
        return spark.createDataFrame(list(zip(*columns)), schema)

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


def _maker(kind: Any) -> Any:
    """What makes a value of pyarrow's one that Spark takes, or none where it is one: pairs of a map become a dictionary."""
    types = library("pyarrow.types")
    if types.is_map(kind):
        make = _maker(kind.item_type) or (lambda value: value)
        return lambda pairs: None if pairs is None else {key: make(value) for key, value in pairs}
    if types.is_list(kind) and (of_element := _maker(kind.value_type)):
        return lambda elements: None if elements is None else [of_element(element) for element in elements]
    if types.is_struct(kind):
        of_fields = {field.name: make for field in kind if (make := _maker(field.type))}
        if of_fields:
            return lambda struct: (
                None
                if struct is None
                else {name: of_fields[name](value) if name in of_fields else value for name, value in struct.items()}
            )
    return None


def library(name: str) -> Any:
    """A library that this package does without until somebody wants it."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(f"this needs the package {name}, which isn't installed: pip install {name}") from error
