"""The package as such: its program, its types, its log, its README."""

from __future__ import annotations

import json
import logging
import os
import pathlib
import subprocess
import sys
from typing import Any

import pytest
from conftest import SCALE, Notebook, Rest, Tenant, program, table
from readme import ROOT, chapter, python

import connectwise_etl as cw


def test_the_program_is_there_with_its_exit_codes(tenant: Tenant, tmp_path: pathlib.Path) -> None:
    version = program("--version")
    assert (version.returncode, version.stdout) == (0, f"connectwise-etl {cw.__version__}\n")
    helped = program("--help")
    assert helped.returncode == 0 and "Exit codes" in helped.stdout
    assert program("run", "--no-such-option").returncode == 2
    nothing = program("run", "--lakehouse", str(tmp_path / "lake"))
    assert nothing.returncode == 2 and "CW_BASE_URL is not set" in nothing.stderr
    loaded = program("run", "--layers", "bronze", "--entities", "Board", "--lakehouse", str(tmp_path / "lake"), **tenant.config)
    assert loaded.returncode == 0, loaded.stderr
    asked = program("query", "select count(*) as boards from bronze_cw_board", "--format", "csv", "--lakehouse", str(tmp_path / "lake"))
    assert asked.stdout == f"boards\n{tenant.counted('Board')}\n"


def test_types_are_what_they_are_said_to_be(tmp_path: pathlib.Path) -> None:
    source, cache = ROOT / "python", str(pathlib.Path(sys.prefix) / "mypy")
    strict = ["-m", "mypy", "--strict", "--cache-dir", cache, "--python-version", "3.10"]
    tests = [str(test) for test in sorted((source / "tests").glob("test_*.py"))]
    # The compiled part is that of the installed package.
    for place, arguments in (
        (tmp_path, ["-m", "mypy.stubtest", "connectwise_etl._native"]),
        (source, [*strict, "-p", "connectwise_etl"]),
        (source, [*strict, *tests]),
    ):
        environment = {**os.environ, "MYPYPATH": "tests"}
        checked = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, cwd=place, env=environment)
        assert checked.returncode == 0, checked.stdout + checked.stderr


def test_what_happens_is_logged_where_somebody_asks(
    tenant: Tenant, tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    def load() -> None:
        cw.run("bronze", entities="Board", mode="full", lakehouse=tmp_path / "lake", config=tenant.config)

    load()
    assert caplog.records == []
    with caplog.at_level(logging.DEBUG, logger="connectwise_etl"):
        load()
    assert {record.name.split(".")[0] for record in caplog.records} == {"connectwise_etl"}
    assert any(record.name.startswith("connectwise_etl.sdk") for record in caplog.records)
    assert tenant.config["CW_AUTH_PASSWORD"] not in caplog.text.replace("private-", "")


def test_who_configured_no_log_reads_none(tenant: Tenant, tmp_path: pathlib.Path) -> None:
    tenant.fault(path="/service/boards*", status=503, times=1)
    script = (
        "import json, sys, connectwise_etl as cw\n"
        "cw.run('bronze', entities='Board', lakehouse=sys.argv[1], config=json.loads(sys.argv[2]), progress=False)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "lake"), json.dumps(tenant.config)], capture_output=True, text=True
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


@pytest.mark.skipif(os.name != "posix", reason="only POSIX lets a variable hold bytes that are no text")
def test_a_variable_that_is_no_text_is_none_of_ours(tmp_path: pathlib.Path) -> None:
    script = "import connectwise_etl as cw; print(cw.query('select 1 as one'))"
    environment = {**os.environb, b"OTHERS": b"\xff\xfe"}
    ran = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert ran.returncode == 0 and "one" in ran.stdout, ran.stderr


def test_a_fork_is_told_what_to_do(tmp_path: pathlib.Path) -> None:
    if not hasattr(os, "fork"):
        pytest.skip("this system has no fork")
    script = (
        "import os, sys, connectwise_etl as cw\n"
        "cw.status(lakehouse=sys.argv[1])\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    try:\n"
        "        cw.status(lakehouse=sys.argv[1])\n"
        "    except RuntimeError as error:\n"
        "        os._exit(40 if 'spawn' in str(error) else 41)\n"
        "    os._exit(42)\n"
        "sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    assert subprocess.run([sys.executable, "-W", "ignore", "-c", script, str(tmp_path / "lake")]).returncode == 40


def test_the_lines_of_the_readme_run(
    tenant: Tenant, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, notebook: Notebook, rest: Rest
) -> None:
    notebook.leave()
    for name, value in tenant.config.items():
        monkeypatch.setenv(name, value)
    names: dict[str, Any] = {}
    blocks = chapter("In Python")
    assert len(blocks) == 2
    for block in blocks:
        exec(block, names)
    facts = table(tmp_path / "lakehouse", "gold/fact_timeentry")
    assert facts.num_rows == SCALE
    assert names["frame"]["hours"].sum() == sum(facts["actualHours"].to_pylist())
    billable = [record["id"] for record in tenant.truth("TimeEntry") if record["billableOption"] == "Billable"]
    assert sorted(names["entries"]["id"]) == sorted(billable) and len(billable) > 5
    assert names["board"] == names["boards"][0]

    # The same in Fabric, with a folder in the place of OneLake: credentials come from a vault, and none from the environment.
    for name in tenant.config:
        monkeypatch.delenv(name)
    notebook.enter()
    notebook.vault = {name.replace("_", "-"): value for name, value in tenant.config.items()}
    monkeypatch.setattr(cw.fabric, "ONELAKE", str(tmp_path / "{workspace}/{lakehouse}/Tables"))
    notebook.context["isForPipeline"] = True
    rest.answers = [(200, {}, {"value": []})]
    (fabric,) = chapter("In a Fabric notebook")
    exec(fabric, names)
    attached = tmp_path / notebook.context["currentWorkspaceId"] / notebook.context["defaultLakehouseId"] / "Tables"
    assert table(attached, "gold/fact_timeentry").num_rows == SCALE == len(names["facts"])
    assert [json.loads(value)["runId"] for value in notebook.ended] == [names["report"].run_id] and len(rest.asked) == 1


def test_the_lines_of_the_packages_readme_run(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (ROOT / "python/README.md").read_text(encoding="utf-8")
    # Those with a Spark session are run where there is one: tests/spark.py.
    block, _ = python(text)
    exec(block, {})
    assert "300" in capsys.readouterr().out
