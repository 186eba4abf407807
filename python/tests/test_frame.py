"""Rows, as other libraries read them."""

from __future__ import annotations

import datetime
import decimal
import pathlib

import duckdb
import pandas
import polars
import pyarrow
import pytest
from conftest import SCALE, table

import connectwise_etl as cw

SQL = """
select timeEntryId, companyName, actualHours, isDeleted, WorkDateSK, _etl_batch_id from fact_timeentry order by timeEntryId
"""


def test_every_library_reads_the_same(lakehouse: pathlib.Path) -> None:
    frame = cw.query(SQL, lakehouse=lakehouse)
    stored = table(lakehouse, "gold/fact_timeentry").select(frame.columns).sort_by("timeEntryId")
    expected = stored.to_pylist()
    assert len(frame) == len(expected) == SCALE and frame.shape == (SCALE, 6)
    assert pyarrow.table(frame).to_pylist() == expected
    assert frame.to_dicts() == expected
    assert polars.DataFrame(frame).to_dicts() == expected == frame.to_polars().to_dicts()
    # Which holes are NaN and which None is pandas' affair.
    pandas.testing.assert_frame_equal(frame.to_pandas(), stored.to_pandas())
    hours = duckdb.sql("select sum(actualHours) from frame").fetchall()
    assert hours == [(sum(row["actualHours"] for row in expected),)]
    # A second time gives the same rows: reading takes nothing away.
    assert pyarrow.table(frame).num_rows == SCALE


def test_types_are_those_of_the_tables(lakehouse: pathlib.Path) -> None:
    frame = cw.query("select id, timeStart, actualHours, member from bronze_cw_timeentry limit 3", lakehouse=lakehouse)
    stored = table(lakehouse, "bronze/bronze_cw_timeentry").schema
    read = pyarrow.table(frame).schema
    assert [read.field(name).type for name in frame.columns] == [stored.field(name).type for name in frame.columns]
    assert read.field("timeStart").type == pyarrow.timestamp("us", "UTC") and frame.dtypes["timeStart"] == "timestamp"
    assert frame.schema == read
    row = frame.to_dicts()[0]
    assert isinstance(row["timeStart"], datetime.datetime) and isinstance(row["member"], dict)
    money = cw.query("select cast(1.5 as decimal(19,4)) as money, date '2026-01-31' as day, 'Þór' as name", lakehouse=lakehouse)
    assert money.to_dicts() == [{"money": decimal.Decimal("1.5000"), "day": datetime.date(2026, 1, 31), "name": "Þór"}]
    assert pyarrow.table(money).schema.field("money").type == pyarrow.decimal128(19, 4)


def test_no_rows_have_columns_all_the_same(lakehouse: pathlib.Path) -> None:
    frame = cw.query("select id, timeStart from silver_cw_timeentry where id < 0", lakehouse=lakehouse)
    assert len(frame) == 0 and frame.columns == ["id", "timeStart"]
    assert pyarrow.table(frame).schema.names == ["id", "timeStart"]
    assert polars.DataFrame(frame).shape == (0, 2)
    assert "0 rows" in repr(frame)


def test_a_notebook_shows_text_as_text(lakehouse: pathlib.Path) -> None:
    frame = cw.query("select '<script>x</script>' as \"a<b\", cast(null as int) as gone", lakehouse=lakehouse)
    shown = frame._repr_html_()
    assert "<script>" not in shown and "&lt;script&gt;" in shown and "a&lt;b" in shown
    assert "\x1b" not in repr(cw.query("select chr(27) || '[31m' as red", lakehouse=lakehouse))


def test_only_questions_are_answered(lakehouse: pathlib.Path) -> None:
    for sql in ["delete from fact_timeentry", "create table x (a int)", "select from", "select 1; select 2"]:
        with pytest.raises(cw.QueryError):
            cw.query(sql, lakehouse=lakehouse)
    with pytest.raises(cw.ConfigError, match="fact_timeentry"):
        cw.query("select * from fact_timeentri", lakehouse=lakehouse)


def test_a_library_that_is_missing_is_named(lakehouse: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "polars", None)
    with pytest.raises(ImportError, match="pip install polars"):
        cw.query("select 1 as one", lakehouse=lakehouse).to_polars()
