"""Questions to a lakehouse, and its upkeep."""

from __future__ import annotations

import datetime
import decimal
import pathlib
from collections.abc import Callable
from typing import Any

import deltalake
import pytest
from conftest import Tenant, table

import connectwise_etl as cw


def test_the_status_says_how_fresh_tables_are(shared: Tenant, lakehouse: pathlib.Path, tmp_path: pathlib.Path) -> None:
    status = cw.status(lakehouse=lakehouse)
    assert isinstance(status, cw.Status)
    rows = {one["tableName"]: one["rows"] for one in status.tables}
    assert rows["bronze_cw_timeentry"] == shared.counted("TimeEntry")
    assert rows["fact_timeentry"] == table(lakehouse, "gold/fact_timeentry").num_rows
    assert status.runs[0]["outcome"] == "done" and "fact_timeentry" in status._repr_html_()
    detail = cw.status("last", lakehouse=lakehouse)
    assert len(detail["steps"]) == len(status.tables)
    empty = cw.status(lakehouse=tmp_path / "nothing")
    assert isinstance(empty, cw.Status) and empty.tables == [] and "no run" in repr(empty)
    assert not (tmp_path / "nothing").exists()


def test_the_schema_is_that_of_the_table(lakehouse: pathlib.Path) -> None:
    for name, folder in [("fact_timeentry", "gold"), ("silver_cw_agreement", "silver"), ("bronze_cw_company", "bronze"), ("etl_runs", "etl")]:
        declared = [column["name"] for column in cw.schema(name, lakehouse=lakehouse) if column["type"]]
        stored = deltalake.DeltaTable(str(lakehouse / folder / name)).schema()
        assert declared == [field.name for field in stored.fields], name
    tables = {one["table"]: one for one in cw.schema()}
    assert tables["silver_cw_timeentry"]["entity"] == "TimeEntry" and tables["fact_timeentry"]["layer"] == "gold"
    with pytest.raises(cw.ConfigError, match="fact_timeentry"):
        cw.schema("fact_timeentri", "gold")


def test_a_saved_question_is_answered_from_gold(lakehouse: pathlib.Path) -> None:
    listed = {one["question"]: one for one in cw.questions(lakehouse=lakehouse)}
    profit = listed["agreement profit"]
    assert profit["group"] == "Agreements" and "company" in profit["cuts"]
    assert [one["column"] for one in profit["measures"]][:2] == ["revenue", "productCost"]
    lines = table(lakehouse, "gold/fact_invoiceline").to_pylist()
    lines = [one for one in lines if one["isInvoiced"] and not one["isDeleted"] and one["lineAmount"] is not None]
    (total,) = cw.ask("agreement profit", by="total", lakehouse=lakehouse).to_dicts()
    assert total["revenue"] == sum(one["lineAmount"] for one in lines)
    # A company, and the days of some of its lines.
    company = next(one["companyId"] for one in lines if one["companyId"] is not None)
    of_company = sorted(one["date"] for one in lines if one["companyId"] == company and one["date"] is not None)
    first = of_company[len(of_company) // 2]
    asked = cw.ask("revenue by month", company=company, since=first, until=first.strftime("%Y"), by=["company", "day"], lakehouse=lakehouse)
    found = {one["day"]: one["revenue"] for one in asked.to_dicts() if one["revenue"]}
    expected: dict[datetime.date, decimal.Decimal] = {}
    for one in lines:
        if one["companyId"] == company and one["date"] is not None and first <= one["date"] and one["date"].year <= first.year:
            expected[one["date"]] = expected.get(one["date"], decimal.Decimal()) + one["lineAmount"]
    assert found == {day: amount for day, amount in expected.items() if amount}
    for arguments, said in [
        ({"question": "agreement profits"}, "did you mean agreement profit"),
        ({"question": "agreement profit", "since": "January"}, "is no day, month or year"),
        ({"question": "agreement profit", "by": "colour"}, "can't be cut by"),
        ({"question": "utilisation", "company": "x"}, "isn't known by company"),
    ]:
        with pytest.raises(cw.ConfigError, match=said):
            cw.ask(**arguments, lakehouse=lakehouse)  # type: ignore[arg-type]


def test_the_doctor_says_what_is_missing(tenant: Tenant, tmp_path: pathlib.Path) -> None:
    good = cw.doctor("Board,TimeEntry", lakehouse=tmp_path / "lake", config=tenant.config)
    rows = {one["entity"]: one["rows"] for one in good["entities"]}
    assert rows == {"Board": tenant.counted("Board"), "TimeEntry": tenant.counted("TimeEntry")}
    tenant.fault(path="/service/boards*", status=403, times=1000)
    ailing = cw.doctor("Board,TimeEntry", lakehouse=tmp_path / "lake", config=tenant.config)
    assert ailing.health == "ailing" and any("Board" in ask["entities"] for ask in ailing.ask)
    assert "Board" in ailing._repr_html_()
    wrong = {**tenant.config, "CW_AUTH_PASSWORD": "geheim"}
    unreachable = cw.doctor("Board", lakehouse=tmp_path / "lake", config=wrong)
    assert unreachable.health == "unreachable" and "geheim" not in repr(unreachable)
    assert not (tmp_path / "lake").exists()


def test_upkeep_puts_files_together_and_changes_no_row(tenant: Tenant, tmp_path: pathlib.Path) -> None:
    place = tmp_path / "lake"
    for _ in range(3):
        cw.run("bronze", entities="TimeEntry", lakehouse=place, config=tenant.config)
        tenant.ask("/_sim/advance", {"days": 1})
    before = sorted(table(place, "bronze/bronze_cw_timeentry")["id"].to_pylist())
    version = deltalake.DeltaTable(str(place / "bronze/bronze_cw_timeentry")).version()
    dry = cw.maintain("bronze", dry_run=True, lakehouse=place)
    assert "dry run" in repr(dry) and dry.failed == []
    assert deltalake.DeltaTable(str(place / "bronze/bronze_cw_timeentry")).version() == version
    done = cw.maintain("bronze", lakehouse=place)
    assert done.failed == [] and "bronze_cw_timeentry" in done._repr_html_()
    assert sorted(table(place, "bronze/bronze_cw_timeentry")["id"].to_pylist()) == before
    assert cw.verify("bronze", lakehouse=place).findings == []
    with pytest.raises(cw.ConfigError, match="steel"):
        cw.maintain("steel", lakehouse=place)


def test_upkeep_says_how_far_it_is(tenant: Tenant, tmp_path: pathlib.Path) -> None:
    place, told = tmp_path / "lake", list[tuple[Any, ...]]()

    def progress(*event: Any) -> None:
        told.append(event)

    asked: dict[str, Any] = {"config": tenant.config, "progress": progress, "lakehouse": place}
    assert cw.run("bronze", entities="Board,TimeEntry", **{**asked, "progress": False}).outcome == "done"
    works: list[tuple[Callable[[], object], str]] = [
        (lambda: cw.doctor("Board,TimeEntry", **asked), "Board"),
        (lambda: cw.reconcile("TimeEntry", **asked), "TimeEntry"),
        (lambda: cw.maintain("bronze", **asked), "bronze/bronze_cw_board"),
        (lambda: cw.verify("bronze", **asked), "bronze/bronze_cw_board"),
    ]
    for work, part in works:
        told.clear()
        work()
        assert {(event, step) for event, _, step, _, _ in told} == {("done", None)}
        assert part in [name for _, name, _, _, _ in told]
        # One after the other, and all of them in the end.
        assert [done for *_, done, _ in told] == list(range(1, len(told) + 1)) and told[-1][4] == len(told), told


def test_a_file_that_is_gone_is_found_and_named(tenant: Tenant, tmp_path: pathlib.Path) -> None:
    place = tmp_path / "lake"
    cw.run("bronze", entities="Board", lakehouse=place, config=tenant.config)
    for file in (place / "bronze/bronze_cw_board").glob("**/*.parquet"):
        file.unlink()
    found = cw.verify("bronze", lakehouse=place)
    assert any("bronze_cw_board" in finding["table"] for finding in found.findings)
    assert "bronze_cw_board" in found._repr_html_()
    with pytest.raises(cw.LakeError, match="connectwise-etl run"):
        cw.query("select * from bronze_cw_board", lakehouse=place)
