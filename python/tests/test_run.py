"""Runs, and what they leave."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import threading
from typing import Any

import deltalake
import pytest
from conftest import SCALE, Tenant, table

import connectwise_etl as cw


def test_every_layer_holds_what_the_tenant_has(shared: Tenant, lakehouse: pathlib.Path) -> None:
    for entity, name in [("TimeEntry", "timeentry"), ("Agreement", "agreement"), ("Company", "company")]:
        ids = sorted(record["id"] for record in shared.truth(entity))
        assert len(ids) > 5
        assert sorted(table(lakehouse, f"bronze/bronze_cw_{name}")["id"].to_pylist()) == ids
        assert sorted(table(lakehouse, f"silver/silver_cw_{name}")["id"].to_pylist()) == ids
    # A fact that isn't one of another table: hours by hand, from the records of the tenant.
    hours = sum(record.get("actualHours") or 0 for record in shared.truth("TimeEntry"))
    facts = table(lakehouse, "gold/fact_timeentry")
    assert facts.num_rows == shared.counted("TimeEntry") == SCALE
    assert float(sum(facts["actualHours"].to_pylist())) == pytest.approx(hours)


def test_the_report_says_what_was_done(tenant: Tenant, tmp_path: pathlib.Path) -> None:
    first = cw.run("bronze,silver", entities=["Board", "TimeEntry"], lakehouse=tmp_path / "lake", config=tenant.config)
    assert (first.outcome, first.failed, first.incomplete) == ("done", [], [])
    steps = {step["table"]: step for step in first.steps}
    assert set(steps) == {"bronze_cw_board", "bronze_cw_timeentry", "silver_cw_board", "silver_cw_timeentry"}
    assert steps["bronze_cw_timeentry"]["rowsInserted"] == SCALE
    assert first["requests"] > 0 and first.run_id in repr(first) and "bronze_cw_board" in first._repr_html_()
    again = cw.run("bronze,silver", entities=["Board", "TimeEntry"], lakehouse=tmp_path / "lake", config=tenant.config)
    assert {step["outcome"] for step in again.steps} == {"unchanged"}
    # The name of the run is in the table's history, as another reader tells it.
    history = deltalake.DeltaTable(str(tmp_path / "lake/bronze/bronze_cw_timeentry")).history()
    assert first.run_id in json.dumps(history, default=str)


def test_a_day_later_only_what_changed_is_written(tenant: Tenant, tmp_path: pathlib.Path) -> None:
    wanted: dict[str, Any] = {"entities": "TimeEntry", "lakehouse": tmp_path / "lake", "config": tenant.config}
    cw.run("bronze", **wanted)
    tenant.ask("/_sim/advance", {"days": 1})
    report = cw.run("bronze", **wanted)
    (step,) = report.steps
    assert step["outcome"] == "written" and 0 < step["rowsInserted"] + step["rowsUpdated"] < SCALE
    truth = {record["id"]: record.get("notes") for record in tenant.truth("TimeEntry")}
    stored = table(tmp_path / "lake", "bronze/bronze_cw_timeentry").select(["id", "notes"]).to_pylist()
    stored_notes = {row["id"]: row["notes"] for row in stored}
    assert {key: stored_notes[key] for key in truth} == truth
    # Rows that are gone stay until a reconcile finds them.
    gone = sorted(set(stored_notes) - set(truth))
    dry = cw.reconcile("TimeEntry", dry_run=True, lakehouse=tmp_path / "lake", config=tenant.config)
    assert sorted(dry["entities"][0]["deleted"]) == gone and "dry run" in repr(dry)
    assert table(tmp_path / "lake", "bronze/bronze_cw_timeentry").num_rows == len(stored_notes)
    cw.reconcile("TimeEntry", lakehouse=tmp_path / "lake", config=tenant.config)
    assert set(table(tmp_path / "lake", "bronze/bronze_cw_timeentry")["id"].to_pylist()) == set(truth)


def test_a_step_that_fails_raises_and_the_others_are_there(tenant: Tenant, tmp_path: pathlib.Path) -> None:
    tenant.fault(path="/service/boards*", status=400, times=1000)
    wanted: dict[str, Any] = {"entities": "Board,Company", "lakehouse": tmp_path / "lake", "config": tenant.config}
    with pytest.raises(cw.RunFailed, match="bronze_cw_board") as raised:
        cw.run("bronze", **wanted)
    report = raised.value.report
    assert report is not None and [step["table"] for step in report.failed] == ["bronze_cw_board"]
    assert table(tmp_path / "lake", "bronze/bronze_cw_company").num_rows == tenant.counted("Company")
    assert not (tmp_path / "lake/bronze/bronze_cw_board").exists()
    assert cw.run("bronze", on_failure="return", **wanted).outcome == "partly"
    tenant.mend()
    assert cw.run("bronze", **wanted).outcome == "done"


def test_wrong_arguments_are_told_before_anything_is_touched(tenant: Tenant, tmp_path: pathlib.Path) -> None:
    place = tmp_path / "lake"
    table_of_wrongs: list[tuple[dict[str, Any], str]] = [
        ({"layers": "bronze,steel"}, "steel"),
        ({"layers": []}, "no layer"),
        ({"mode": "some"}, "full or incremental"),
        ({"entities": "TimeEntri"}, "TimeEntry"),
        ({"since": "yesterday"}, "2026-01-31"),
        ({"mode": "full", "lookback_days": 3}, "lookback_days"),
        ({"lookback_days": -1}, "lookback_days"),
        ({"on_failure": "ignore"}, "on_failure"),
        ({"max_share": 200.0}, "0 and 100"),
        ({"entities": "Board", "include": "Company"}, "one by one"),
        ({"adopt_tenant": True, "entities": "Board"}, "entities"),
        ({"config": {"CW_BASE_URL": "x y"}}, "CW_BASE_URL"),
        ({"config": {"BASE_URL": "x"}}, "BASE_URL"),
        ({"config": "missing.toml"}, "missing.toml"),
    ]
    for wrong, words in table_of_wrongs:
        arguments: dict[str, Any] = {"config": tenant.config, **wrong}
        with pytest.raises(cw.ConfigError, match=words) as raised:
            cw.run(lakehouse=place, **arguments)
        assert isinstance(raised.value, ValueError)
        assert not place.exists(), wrong
    assert tenant.ask("/_sim/requests")["total"] == 0


def test_missing_credentials_are_named(tmp_path: pathlib.Path) -> None:
    with pytest.raises(cw.ConfigError, match="CW_BASE_URL is not set"):
        cw.run(lakehouse=tmp_path / "lake")
    with pytest.raises(ValueError, match="CW_CLIENTID is not set"):
        cw.ConnectWiseClient(base_url="https://na.myconnectwise.net", username="a+b", password="c")


def test_two_tenants_in_one_process_stay_apart(shared: Tenant, tmp_path: pathlib.Path) -> None:
    with Tenant(scale=50, seed=9) as other:
        reports: dict[str, cw.RunReport] = {}

        def load(name: str, tenant: Tenant) -> None:
            reports[name] = cw.run("bronze", entities="TimeEntry", lakehouse=tmp_path / name, config=tenant.config)

        threads = [threading.Thread(target=load, args=pair) for pair in (("one", shared), ("two", other))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {name: report.steps[0]["rowsInserted"] for name, report in reports.items()} == {"one": SCALE, "two": 50}


def test_the_environment_counts_less_than_the_arguments(
    tenant: Tenant, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in tenant.config.items():
        monkeypatch.setenv(name, value)
    # Another spelling of the same is no contradiction: it is said elsewhere.
    monkeypatch.setenv("CONNECTWISE_URL", tenant.config["CW_BASE_URL"])
    monkeypatch.setenv("CW_LAKEHOUSE", str(tmp_path / "named"))
    cw.run("bronze", entities="Board")
    assert (tmp_path / "named/bronze/bronze_cw_board").exists()
    with Tenant(scale=50, seed=3) as other:
        client = cw.ConnectWiseClient(other.config)
        assert client.count("time/entries") == 50
        assert cw.ConnectWiseClient().count("time/entries") == SCALE


def test_the_program_and_the_package_write_the_same(tenant: Tenant, tmp_path: pathlib.Path) -> None:
    entities = "TimeEntry,Agreement,AgreementType,Company,Member,WorkRole,WorkType"
    cw.run(mode="full", entities=entities, lakehouse=tmp_path / "package", config=tenant.config)
    program = [sys.executable, "-m", "connectwise_etl", "run", "--full", "--entities", entities, "--json"]
    ended = subprocess.run(
        [*program, "--lakehouse", str(tmp_path / "program")], env={**os.environ, **tenant.config}, capture_output=True
    )
    assert ended.returncode == 0, ended.stderr.decode()
    compared = 0
    for folder in sorted((tmp_path / "package").glob("*/*")):
        name = str(folder.relative_to(tmp_path / "package"))
        if name.startswith("etl/") or not (folder / "_delta_log").exists():
            continue
        ours, theirs = table(tmp_path / "package", name), table(tmp_path / "program", name)
        # When and by which run a row was written is another thing in each, and so is the key of a version in a history.
        kept = [column for column in ours.column_names if not column.startswith(("_etl_", "etlTimestamp", "historyKey"))]
        assert ours.schema == theirs.schema, name

        def rows(of: Any) -> list[str]:
            return sorted(json.dumps(row, default=str, sort_keys=True) for row in of.select(kept).to_pylist())

        assert rows(ours) == rows(theirs), name
        compared += 1
    assert compared > 15


def test_progress_is_told_in_the_thread_that_called(tenant: Tenant, tmp_path: pathlib.Path) -> None:
    told: list[tuple[str, str]] = []
    threads = set()

    def progress(event: str, name: str, step: str | None, rows: int, expected: int) -> None:
        threads.add(threading.get_ident())
        told.append((event, name))
        if event == "finished":
            assert step is not None and json.loads(step)["rowsRead"] >= 0

    cw.run("bronze", entities="Board,TimeEntry", lakehouse=tmp_path / "lake", config=tenant.config, progress=progress)
    assert threads == {threading.get_ident()}
    for name in ("bronze/bronze_cw_board", "bronze/bronze_cw_timeentry"):
        assert told.index(("started", name)) < told.index(("finished", name))


def test_an_exception_in_a_callback_ends_the_run_and_comes_out(tenant: Tenant, tmp_path: pathlib.Path) -> None:
    class Enough(Exception):
        pass

    def progress(event: str, *_: object) -> None:
        if event == "finished":
            raise Enough

    with pytest.raises(Enough):
        cw.run("bronze", lakehouse=tmp_path / "lake", config=tenant.config, progress=progress)
    assert cw.run("bronze", entities="Board,TimeEntry", lakehouse=tmp_path / "lake", config=tenant.config).outcome == "done"


def test_other_threads_go_on_meanwhile(tenant: Tenant, tmp_path: pathlib.Path) -> None:
    # A list breaks off until another thread of this process mends it: while the run held the interpreter's lock, nobody could.
    tenant.fault(path="/service/boards*", stall=True, times=1000)

    def mend() -> None:
        while not any(tenant.ask("/_sim/faults")["bitten"].values()):
            pass
        tenant.mend()

    thread = threading.Thread(target=mend)
    thread.start()
    config = {**tenant.config, "CW_READ_TIMEOUT": "1"}
    report = cw.run("bronze", entities="Board", lakehouse=tmp_path / "lake", config=config)
    thread.join()
    assert report.outcome == "done" and report["retries"] > 0


def test_the_old_calls_still_work(tenant: Tenant, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in tenant.config.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CW_LAKEHOUSE", str(tmp_path / "lake"))
    spark = object()
    full = cw.run_etl_pipeline(spark=spark, layers=["bronze", "silver", "gold"], mode="full", lookback_days=30)
    assert full.outcome == "done" and table(tmp_path / "lake", "gold/fact_timeentry").num_rows == SCALE
    tenant.ask("/_sim/advance", {"days": 1})
    later = cw.run_etl_pipeline(spark=spark, layers=["bronze", "silver", "gold"], mode="incremental", lookback_days=7)
    assert later.outcome == "done" and any(step["outcome"] == "written" for step in later.steps)
    assert cw.run_etl_pipeline(spark, ["bronze"], "incremental", 30, entities="Board").outcome == "done"


#: Runs again and again, and says after some how much memory this process has, in MB.
LONG = """
import pathlib, sys, connectwise_etl as cw
place, url, user, password, client_id = sys.argv[1:]
config = {"CW_BASE_URL": url, "CW_AUTH_USERNAME": user, "CW_AUTH_PASSWORD": password, "CW_CLIENTID": client_id}
for run in range(1, 101):
    assert cw.run("bronze", entities="Board", lakehouse=place, config=config).outcome == "done"
    if run % 10 == 0:
        # The ledger has two files more with each run until they are put together, and each run reads them.
        cw.maintain(lakehouse=place, config=config)
    if run in (30, 100):
        status = pathlib.Path("/proc/self/status").read_text()
        print(int(status.split("VmRSS:")[1].split()[0]) // 1024)
"""


@pytest.mark.skipif(
    sys.platform != "linux" or not os.environ.get("CW_CLOUDS"),
    reason="the memory of a process is read as Linux tells it, and a hundred runs take minutes: CW_CLOUDS=1 asks for them",
)
def test_a_hundred_runs_in_one_process_need_no_more_memory_than_thirty(tenant: Tenant, tmp_path: pathlib.Path) -> None:
    arguments = [sys.executable, "-c", LONG, str(tmp_path / "lake"), *tenant.config.values()]
    ended = subprocess.run(arguments, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    thirty, hundred = map(int, ended.stdout.split())
    # A hundredth of what a run reads, kept by each, would be more.
    assert hundred < thirty + 25, (thirty, hundred)
