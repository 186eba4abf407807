"""Facts and dimensions from data frames."""

from __future__ import annotations

import datetime
import decimal
import pathlib
import warnings
from typing import Any

import duckdb
import pandas
import polars
import pyarrow
import pytest
from conftest import SCALE, table

import connectwise_etl as cw
from connectwise_etl import transforms

#: The columns of a fact that depend on the day of the run.
DAILY = ["ageDays", "agingBucket"]


def silver(lakehouse: pathlib.Path, *entities: str) -> list[pyarrow.Table]:
    return [table(lakehouse, f"silver/silver_cw_{entity}") for entity in entities]


def gold(lakehouse: pathlib.Path, name: str, key: str) -> pyarrow.Table:
    stored = table(lakehouse, f"gold/{name}").sort_by(key)
    return stored.drop_columns([column for column in stored.column_names if column.startswith("_etl_")])


def rows(frame: Any) -> list[dict[str, Any]]:
    assert isinstance(frame, cw.Frame)
    return frame.to_dicts()


def assert_same(frame: Any, stored: pyarrow.Table) -> None:
    """The same columns, types and rows, whatever a library calls a text."""

    def types(schema: pyarrow.Schema) -> dict[str, str]:
        return {field.name: str(field.type).removeprefix("large_") for field in schema}

    computed = pyarrow.table(frame)
    assert types(computed.schema) == types(stored.schema)
    kept = [name for name in stored.column_names if name not in DAILY]
    assert computed.select(kept).to_pylist() == stored.select(kept).to_pylist() != []


def test_with_a_lakehouse_facts_are_those_of_gold(lakehouse: pathlib.Path) -> None:
    entries, expenses, products, invoices, agreements, members = silver(
        lakehouse, "timeentry", "expenseentry", "productitem", "invoice", "agreement", "member"
    )
    facts = transforms.create_time_entry_fact(None, entries, agreements, members, lakehouse=lakehouse)
    assert_same(facts, gold(lakehouse, "fact_timeentry", "timeEntryId"))
    assert len(rows(facts)) == SCALE and any(row["MemberKey"] > 0 for row in rows(facts))
    # What isn't handed over is read from the lakehouse.
    assert_same(transforms.create_time_entry_fact(time_entry_df=entries, lakehouse=lakehouse), pyarrow.table(facts))
    facts = transforms.create_expense_entry_fact(None, expenses, agreements, lakehouse=lakehouse)
    assert_same(facts, gold(lakehouse, "fact_expenseentry", "expenseId"))
    facts = transforms.create_product_fact(None, products, agreements, lakehouse=lakehouse)
    assert_same(facts, gold(lakehouse, "fact_productitem", "productItemId"))
    facts = transforms.create_invoice_line_fact(None, invoices, entries, products, agreements, lakehouse=lakehouse)
    assert_same(facts, gold(lakehouse, "fact_invoiceline", "InvoiceLineSK"))


def test_without_one_they_lack_the_keys_of_dimensions(lakehouse: pathlib.Path) -> None:
    expenses, agreements, types = silver(lakehouse, "expenseentry", "agreement", "agreementtype")
    facts = transforms.create_expense_entry_fact(None, expenses, agreements, agreement_type_df=types)
    stored = gold(lakehouse, "fact_expenseentry", "expenseId")
    keys = [name for name in stored.column_names if name.endswith("Key") or name == "AgreementSK"]
    assert len(keys) > 3
    assert_same(facts, stored.drop_columns(keys))
    assert "ExpenseDateSK" in stored.drop_columns(keys).column_names
    agreement = rows(transforms.create_agreement_dimension(None, agreements, agreement_type_df=types))
    # The first row is the unknown member.
    known = [row for row in gold(lakehouse, "dimagreement", "agreementId").to_pylist() if row["AgreementSK"] > 0]
    for row in known:
        del row["AgreementSK"], row["usage_count"]
    listed = {row["id"] for row in agreements.to_pylist()}
    assert agreement == [row for row in known if row["agreementId"] in listed] != []


def test_frames_of_every_library_give_the_same_rows(lakehouse: pathlib.Path) -> None:
    (entries,) = silver(lakehouse, "timeentry")
    expected = rows(transforms.create_time_entry_fact(None, entries))
    assert len(expected) == SCALE
    query = cw.query("select * from silver_cw_timeentry", lakehouse=lakehouse)
    for frame in [
        entries.to_pandas(),
        polars.from_arrow(entries),
        polars.DataFrame(entries).lazy(),
        duckdb.sql("select * from entries"),
        query,
    ]:
        assert rows(transforms.create_time_entry_fact(time_entry_df=frame)) == expected, type(frame)
    assert rows(transforms.create_time_entry_fact(None, entries.slice(0, 0))) == []


def test_frames_of_the_old_package_give_the_same_rows(lakehouse: pathlib.Path) -> None:
    """It had floating-point numbers for decimals, texts for instants and days, and neither flags of deletion nor columns of today."""
    entries, agreements, members = silver(lakehouse, "timeentry", "agreement", "member")
    expected = transforms.create_time_entry_fact(None, entries, agreements, members)

    def old(value: Any) -> Any:
        if isinstance(value, decimal.Decimal):
            return float(value)
        if isinstance(value, datetime.datetime):
            return value.strftime("%Y-%m-%dT%H:%M:%SZ")
        return f"{value}T00:00:00Z" if isinstance(value, datetime.date) else value

    def of(frame: pyarrow.Table) -> pandas.DataFrame:
        kept = [name for name in frame.column_names if name != "isDeleted" and not name.startswith("_etl_")]
        given: pandas.DataFrame = pandas.DataFrame([{name: old(row[name]) for name in kept} for row in frame.to_pylist()])
        return given

    frame = of(entries)
    # Ids that may be missing are floating-point numbers in pandas.
    assert frame["invoiceId"].dtype == float
    computed = transforms.create_time_entry_fact(object(), frame, of(agreements), of(members))
    deleted = {row["id"] for row in entries.to_pylist() if row["isDeleted"]}
    assert rows(computed) == [{**row, "isDeleted": False} if row["timeEntryId"] in deleted else row for row in rows(expected)]


#: Two entries and an expense of a day, as small as they may be.
ENTRY: dict[str, Any] = {
    "id": 1,
    "chargeToType": "ServiceTicket",
    "chargeToId": 90,
    "memberId": 3,
    "memberName": "Dora",
    "workTypeId": 11,
    "workTypeName": "Remote",
    "workRoleId": None,
    "workRoleName": None,
    "timeStart": "2026-01-31T23:30:00Z",
    "actualHours": 1.5,
    "billableOption": "Billable",
    "agreementId": None,
    "invoiceId": None,
    "hourlyRate": 100.0,
}
AGREEMENT: dict[str, Any] = {
    "id": 7,
    "name": "Support",
    "typeId": 2,
    "typeName": "Bank of hours",
    "parentAgreementId": None,
    "companyId": 5,
    "startDate": "2024-01-15T00:00:00Z",
    "endDate": None,
    "noEndingDateFlag": True,
    "cancelledFlag": False,
    "customFields": '[{"id": 1, "caption": "Number", "value": "P-7"}]',
}


def test_the_configuration_counts(tmp_path: pathlib.Path) -> None:
    entries = pandas.DataFrame([ENTRY, {**ENTRY, "id": 2, "agreementId": 7}])
    agreements, members = pandas.DataFrame([AGREEMENT]), pandas.DataFrame([{"id": 3, "hourlyCost": 40}])
    # The working directory is this folder.
    (tmp_path / "connectwise-etl.toml").write_text(
        '[gold]\ntime_zone = "Asia/Tokyo"\n'
        '[[gold.agreement_rules]]\npattern = "^bank"\nnormalized = "prepaid_hours"\nbehavior = "prepaid"\n'
    )
    first, second = rows(transforms.create_time_entry_fact(None, entries, agreements, members))
    # 23:30 in UTC is 8:30 of the next day in Tokyo. 1.5 hours earn 100 and cost 40 each: 150 - 60 = 90, which are 60 % of 150.
    assert first["WorkDateSK"] == 20260201
    money = [first[name] for name in ("potentialRevenue", "actualCost", "margin", "marginPercentage")]
    assert money == [decimal.Decimal(amount) for amount in (150, 60, 90, 60)]
    assert [first[name] for name in ("agreement_type", "final_agreement_number", "effectiveBillingStatus")] == [None] * 3
    found = [second[name] for name in ("agreement_type_normalized", "final_agreement_number", "effectiveBillingStatus")]
    assert found == ["prepaid_hours", "P-7", "Prepaid"]
    elsewhere = tmp_path / "other.toml"
    elsewhere.write_text('[gold]\ntime_zone = "America/New_York"\n')
    (row, _) = rows(transforms.create_time_entry_fact(None, entries, config=elsewhere))
    assert row["WorkDateSK"] == 20260131


def test_what_is_wrong_is_a_value_error_that_names_it() -> None:
    def said(**changes: Any) -> str:
        frame = pandas.DataFrame([{**ENTRY, **changes}, {**ENTRY, "id": 2}])
        with pytest.raises(ValueError) as error:
            transforms.create_time_entry_fact(None, frame)
        assert isinstance(error.value, cw.ConfigError)
        return str(error.value)

    without = pandas.DataFrame([ENTRY]).drop(columns=["hourlyRate", "memberName"])
    with pytest.raises(ValueError, match="silver_cw_timeentry lacks memberName, hourlyRate"):
        transforms.create_time_entry_fact(None, without)
    assert said(timeStart="yesterday") == "silver_cw_timeentry has a value in timeStart where timestamp is needed, in row 1"
    assert said(memberId=3.5) == "silver_cw_timeentry has a value in memberId where int is needed, in row 1"
    assert said(id=2) == "silver_cw_timeentry has two rows with id 2: hand over one row of each record"
    with pytest.raises(cw.ConfigError, match="time_entry_df is missing"):
        transforms.create_time_entry_fact()
    with pytest.raises(cw.ConfigError, match="agreement_df is no data frame but str"):
        transforms.create_time_entry_fact(None, pandas.DataFrame([ENTRY]), "silver_cw_agreement")
    with pytest.raises(cw.ConfigError, match="none are handed over"):
        transforms.create_invoice_line_fact(None, pandas.DataFrame([{"id": 1}]), None, None, None)
    mixed = pandas.DataFrame([ENTRY, {**ENTRY, "id": 2, "memberId": {"id": 3}}])
    with pytest.raises(cw.ConfigError, match="time_entry_df holds values that Arrow has no type for"):
        transforms.create_time_entry_fact(None, mixed)


def test_a_lakehouse_without_dimensions_is_told(tmp_path: pathlib.Path) -> None:
    with pytest.raises(cw.ConfigError, match="isn't there yet: run connectwise-etl run --layers gold first"):
        transforms.create_time_entry_fact(None, pandas.DataFrame([ENTRY]), lakehouse=tmp_path / "empty")


def test_calls_of_the_old_package_run_as_they_stand() -> None:
    entries, agreements = pandas.DataFrame([{**ENTRY, "invoiceId": 55}]), pandas.DataFrame([AGREEMENT])
    invoices = pandas.DataFrame([{"id": 55, "date": "2026-01-31", "companyId": 5, "applyToType": None, "applyToId": None}])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        facts = transforms.create_invoice_facts(
            object(), invoices, {}, timeEntryDf=entries, productItemDf=None, agreementDf=agreements
        )
        dimensions = transforms.create_agreement_dimensions(object(), agreements, {})
    ((name, lines),) = facts.items()
    assert name == "fact_invoice_line"
    (line,) = rows(lines)
    found = [line[column] for column in ("lineSource", "sourceId", "lineNumber", "lineAmount", "applyToType", "InvoiceDateSK")]
    # 1.5 hours at 100 on an invoice of 31 January that says nothing of what it is for.
    assert found == ["time", 1, 1, decimal.Decimal(150), "Services", 20260131]
    ((name, dimension),) = dimensions.items()
    assert name == "dim_agreement" and rows(dimension)[0]["number"] == "P-7"
    # What it took and never read has no effect, and somebody says so.
    with pytest.warns(UserWarning, match="has no effect"):
        transforms.create_agreement_dimension(None, agreements, {"gold_path": "Tables/gold"})
    assert cw.create_time_entry_fact is transforms.create_time_entry_fact
    assert set(transforms.__all__) <= set(dir(transforms))
