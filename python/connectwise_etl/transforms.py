"""Facts and dimensions from data frames, for notebooks that compute them by functions of the PySpark package that had this name.

>>> import connectwise_etl as cw
>>> from connectwise_etl.transforms import create_time_entry_fact
>>> facts = create_time_entry_fact(spark, entries, agreements, members)     # doctest: +SKIP

They compute what a run writes to gold, by the same SELECTs and the same configuration. What has a lakehouse needs none of them: its
tables of gold are kept by each run, with all keys.

**Frames** are those of pandas, polars, pyarrow, DuckDB, Spark and this package, with the columns of silver: ``agreementId`` for the API's
``agreement.id``. They may be the old package's: floating-point numbers become ``decimal(19,4)``, texts such as
``2026-01-31T08:00:00Z`` become timestamps, a time without a zone is UTC, and NaN is a value that isn't there. Each function names the
columns that it needs; of others a frame may lack any, and more don't matter. The rows go through the memory of this process.

**Results** are frames of Spark where ``spark`` is a session or a frame is Spark's, and else a :class:`Frame`; in the order of their
ids. They have the columns of the table in gold (``cw.schema("fact_timeentry")``), less what means something in a lakehouse only: the
keys of dimensions, as ``MemberKey``, and the ``_etl_`` columns of a run. Keys of days, as ``WorkDateSK``, are the days (20260131) and
are there. With ``lakehouse`` the keys are those of its dimensions, -1 where a dimension has no such member, and what isn't handed over
is read from its silver tables.

**Errors** are :exc:`ConfigError`, which is a ``ValueError``: a column that is missing, a value that is no number or no time, two rows of
one record. The text names table, column and row.

``config`` is the path of a ``connectwise-etl.toml``, or variables; by default the one in the working directory counts, with its time zone
and its agreement rules. ``token`` opens a lakehouse on Azure, as it does for ``cw.run``.
"""

from __future__ import annotations

import datetime
import importlib
import inspect
import io
import os
import sys
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Union

from . import _native, settings
from .errors import ConfigError
from .frame import Frame, library
from .settings import Place, Token

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = [
    "create_agreement_dimension",
    "create_agreement_dimensions",
    "create_expense_entry_fact",
    "create_invoice_facts",
    "create_invoice_line_fact",
    "create_product_fact",
    "create_time_entry_fact",
]

#: A frame of this package, or of Spark.
Result = Union[Frame, "DataFrame"]

#: The silver table whose rows an argument has.
TABLES = {
    "agreement_df": "silver_cw_agreement",
    "agreement_type_df": "silver_cw_agreementtype",
    "expense_df": "silver_cw_expenseentry",
    "invoice_df": "silver_cw_invoice",
    "member_df": "silver_cw_member",
    "product_df": "silver_cw_productitem",
    "time_entry_df": "silver_cw_timeentry",
}


def create_time_entry_fact(
    spark: object = None,
    time_entry_df: Any = None,
    agreement_df: Any = None,
    member_df: Any = None,
    config: Any = None,
    *,
    agreement_type_df: Any = None,
    lakehouse: Place | None = None,
    token: Token | None = None,
) -> Result:
    """One row a time entry, with what it earns and costs: the columns of ``fact_timeentry``.

    :param spark: a Spark session for a result of Spark's, or none
    :param time_entry_df: needs ``id chargeToType chargeToId memberId memberName workTypeId workTypeName workRoleId workRoleName timeStart
        actualHours billableOption agreementId invoiceId hourlyRate``
    :param agreement_df: needs ``id typeName parentAgreementId customFields``; without it types are those that the entries state, and there
        are no agreement numbers
    :param member_df: needs ``id hourlyCost``; without it an hour costs what the entry says
    :param agreement_type_df: needs ``id``; says how agreements of a type are billed where no ``agreement_rules`` are configured and the
        agreements leave it open
    """
    frames = {
        "time_entry_df": time_entry_df,
        "agreement_df": agreement_df,
        "member_df": member_df,
        "agreement_type_df": agreement_type_df,
    }
    return _computed("fact_timeentry", "time_entry_df", frames, spark, config, lakehouse, token)


def create_expense_entry_fact(
    spark: object = None,
    expense_df: Any = None,
    agreement_df: Any = None,
    config: Any = None,
    *,
    agreement_type_df: Any = None,
    lakehouse: Place | None = None,
    token: Token | None = None,
) -> Result:
    """One row an expense entry: the columns of ``fact_expenseentry``.

    :param spark: a Spark session for a result of Spark's, or none
    :param expense_df: needs ``id chargeToType chargeToId memberId typeId typeName date amount agreementId invoiceId billableOption``
    :param agreement_df: as for :func:`create_time_entry_fact`, and ``agreement_type_df``, too
    """
    frames = {
        "expense_df": expense_df,
        "agreement_df": agreement_df,
        "agreement_type_df": agreement_type_df,
    }
    return _computed("fact_expenseentry", "expense_df", frames, spark, config, lakehouse, token)


def create_product_fact(
    spark: object = None,
    product_df: Any = None,
    agreement_df: Any = None,
    config: Any = None,
    *,
    agreement_type_df: Any = None,
    lakehouse: Place | None = None,
    token: Token | None = None,
) -> Result:
    """One row a product item: the columns of ``fact_productitem``.

    :param spark: a Spark session for a result of Spark's, or none
    :param product_df: needs ``id agreementId invoiceId billableOption description quantity price cost extPrice extCost``
    :param agreement_df: as for :func:`create_time_entry_fact`, and ``agreement_type_df``, too
    """
    frames = {
        "product_df": product_df,
        "agreement_df": agreement_df,
        "agreement_type_df": agreement_type_df,
    }
    return _computed("fact_productitem", "product_df", frames, spark, config, lakehouse, token)


def create_invoice_line_fact(
    spark: object = None,
    invoice_df: Any = None,
    time_entry_df: Any = None,
    product_df: Any = None,
    agreement_df: Any = None,
    config: Any = None,
    *,
    expense_df: Any = None,
    member_df: Any = None,
    agreement_type_df: Any = None,
    lakehouse: Place | None = None,
    token: Token | None = None,
) -> Result:
    """One row a time entry, product item and expense on an invoice or still to be billed: the columns of ``fact_invoiceline``.

    What an invoice has billed beyond its lines is a row of its own with the ``lineSource`` ``header``, if ``invoice_df`` has ``total``. So
    hand over expenses where there are any, or leave these rows out.

    :param spark: a Spark session for a result of Spark's, or none
    :param invoice_df: needs ``id date companyId applyToType applyToId``
    :param time_entry_df: needs ``id agreementId invoiceId billableOption timeStart actualHours hourlyRate``
    :param product_df: as for :func:`create_product_fact`
    :param agreement_df: as for :func:`create_time_entry_fact`
    :param expense_df: needs ``id``
    :param member_df: as for :func:`create_time_entry_fact`, and ``agreement_type_df``, too
    """
    frames = {
        "invoice_df": invoice_df,
        "time_entry_df": time_entry_df,
        "product_df": product_df,
        "agreement_df": agreement_df,
        "expense_df": expense_df,
        "member_df": member_df,
        "agreement_type_df": agreement_type_df,
    }
    if lakehouse is None and time_entry_df is None and product_df is None and expense_df is None:
        raise ConfigError("invoice lines are made of time entries, product items and expenses, and none are handed over")
    return _computed("fact_invoiceline", "invoice_df", frames, spark, config, lakehouse, token)


def create_agreement_dimension(
    spark: object = None,
    agreement_df: Any = None,
    config: Any = None,
    *,
    agreement_type_df: Any = None,
    lakehouse: Place | None = None,
    token: Token | None = None,
) -> Result:
    """One row an agreement: the columns of ``dimagreement`` without ``AgreementSK``, which a lakehouse gives, and ``usage_count``.

    :param spark: a Spark session for a result of Spark's, or none
    :param agreement_df: needs ``id name typeId typeName parentAgreementId companyId startDate endDate noEndingDateFlag cancelledFlag
        customFields``, the last as the JSON text that silver has
    :param agreement_type_df: as for :func:`create_time_entry_fact`
    """
    frames = {"agreement_df": agreement_df, "agreement_type_df": agreement_type_df}
    return _computed("dimagreement", "agreement_df", frames, spark, config, lakehouse, token)


def create_invoice_facts(
    spark: object = None,
    invoice_df: Any = None,
    config: Any = None,
    timeEntryDf: Any = None,  # noqa: N803 The names are those of old calls.
    productItemDf: Any = None,  # noqa: N803
    agreementDf: Any = None,  # noqa: N803
) -> dict[str, Result]:
    """:func:`create_invoice_line_fact` as ``{"fact_invoice_line": ...}``, for calls that loop over results."""
    return {"fact_invoice_line": create_invoice_line_fact(spark, invoice_df, timeEntryDf, productItemDf, agreementDf, config)}


def create_agreement_dimensions(spark: object = None, agreement_df: Any = None, config: Any = None) -> dict[str, Result]:
    """:func:`create_agreement_dimension` as ``{"dim_agreement": ...}``, for calls that loop over results."""
    return {"dim_agreement": create_agreement_dimension(spark, agreement_df, config)}


def _computed(
    model: str,
    needed: str,
    frames: Mapping[str, Any],
    spark: object,
    config: object,
    lakehouse: Place | None,
    token: Token | None,
) -> Result:
    """The rows of a model from frames, by the names of arguments."""
    if lakehouse is None and frames[needed] is None:
        raise ConfigError(f"{needed} is missing: hand over a data frame")
    said = _settings(config)
    native = settings.tenant(said) if lakehouse is None else settings.session(lakehouse, said, token)
    given = {argument: frame for argument, frame in frames.items() if frame is not None}
    tables = [(TABLES[argument], _rows(argument, frame)) for argument, frame in given.items()]
    computed = Frame(native.select(model, tables, lakehouse is not None))
    sessions = [spark, *(frame.sparkSession for frame in given.values() if _is_spark(frame))]
    session: Any = next((session for session in sessions if hasattr(session, "createDataFrame")), None)
    return computed if session is None else computed.to_spark(session)


def _settings(config: object) -> settings.Config | None:
    """What of the argument is a setting. The old package took a dictionary that it didn't read, and objects of its own."""
    if config is None or isinstance(config, (str, os.PathLike)):
        return config
    given = dict(config) if isinstance(config, Mapping) else {}
    said = {name: value for name, value in given.items() if isinstance(name, str) and name.startswith(settings.PREFIXES)}
    if len(said) < len(given) or not isinstance(config, Mapping):
        warnings.warn(
            "config is the path of a connectwise-etl.toml, or variables such as CW_ETL_CONFIG; what else it holds has no effect",
            stacklevel=4,
        )
    return said


def _is_spark(frame: object) -> bool:
    return hasattr(frame, "sparkSession") and hasattr(frame, "schema")


def _is_of(frame: object, package: str, *names: str) -> bool:
    """Whether a frame is of a class of a package. Without that package nothing is."""
    module = sys.modules.get(package)
    return module is not None and isinstance(frame, tuple(getattr(module, name) for name in names))


def _rows(argument: str, frame: Any) -> _native.Rows | bytes:
    """The columns of a frame that a silver table has, as an Arrow stream where they are another library's."""
    if isinstance(frame, Frame):
        return frame._rows
    known = set(_native.silver_columns(TABLES[argument]))
    if _is_of(frame, "polars", "DataFrame", "LazyFrame"):
        frame = frame.lazy().collect()
        stream = io.BytesIO()
        frame.select([name for name in frame.columns if name in known]).write_ipc_stream(stream)
        return stream.getvalue()
    arrow = library("pyarrow")
    try:
        return _stream(arrow, _arrow(arrow, argument, known, frame))
    except (arrow.ArrowInvalid, arrow.ArrowTypeError, arrow.ArrowNotImplementedError) as error:
        raise ConfigError(f"{argument} holds values that Arrow has no type for: {error}") from error


def _arrow(arrow: Any, argument: str, known: set[str], frame: Any) -> Any:
    """The known columns of a frame as a ``pyarrow.Table``."""
    if _is_spark(frame):
        chosen = frame.select(*[name for name in frame.columns if name in known])
        # Before 4.0 Spark has no way to Arrow without pandas.
        return chosen.toArrow() if hasattr(chosen, "toArrow") else _collected(chosen)
    if _is_of(frame, "pandas", "DataFrame"):
        return arrow.Table.from_pandas(frame[[name for name in frame.columns if name in known]], preserve_index=False)
    if not isinstance(frame, arrow.Table) and not hasattr(frame, "__arrow_c_stream__"):
        found = type(frame).__name__
        raise ConfigError(f"{argument} is no data frame but {found}: hand over one of pandas, polars, pyarrow, DuckDB or Spark")
    table = frame if isinstance(frame, arrow.Table) else arrow.table(frame)
    return table.select([name for name in table.column_names if name in known])


def _collected(frame: Any) -> Any:
    """The rows of a frame of Spark's, fetched one by one."""
    arrow = library("pyarrow")
    to_arrow_schema = importlib.import_module("pyspark.sql.pandas.types").to_arrow_schema
    # Later versions want to be told the zone of timestamps.
    zone = {"timezone": "UTC"} if "timezone" in inspect.signature(to_arrow_schema).parameters else {}
    schema = to_arrow_schema(frame.schema, **zone)
    rows = frame.collect()
    columns = [
        arrow.array([_in_utc(row[at]) if _has_zone(arrow, field.type) else row[at] for row in rows], field.type)
        for at, field in enumerate(schema)
    ]
    return arrow.Table.from_arrays(columns, schema=schema)


def _has_zone(arrow: Any, kind: Any) -> bool:
    return bool(arrow.types.is_timestamp(kind)) and kind.tz is not None


def _in_utc(moment: datetime.datetime | None) -> datetime.datetime | None:
    """A moment as Spark collects it: by the clocks of this machine, without a zone."""
    return None if moment is None else moment.astimezone(datetime.timezone.utc)


def _stream(arrow: Any, table: Any) -> bytes:
    sink = arrow.BufferOutputStream()
    with arrow.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    written: bytes = sink.getvalue().to_pybytes()
    return written
