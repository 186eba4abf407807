"""Ctrl-C."""

from __future__ import annotations

import pathlib
import signal
import subprocess
import sys

import pytest
from conftest import SCALE, Tenant, table

import connectwise_etl as cw

#: Says each event that it hears of, and stops at the one in which somebody wants it to.
CHILD = """
import sys, connectwise_etl as cw
place, url, user, password, client_id = sys.argv[1:]
config = {"CW_BASE_URL": url, "CW_AUTH_USERNAME": user, "CW_AUTH_PASSWORD": password, "CW_CLIENTID": client_id}
def progress(event, table, *_):
    print(event, table, flush=True)
try:
    cw.run(lakehouse=place, config=config, progress=progress)
except KeyboardInterrupt:
    # The interpreter is whole: it can go on asking.
    sys.exit(40 + len(cw.status(lakehouse=place).runs))
"""


def started(place: pathlib.Path, tenant: Tenant) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", CHILD, str(place), *tenant.config.values()]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("events", [1, 4, 9, 17, 30])
def test_a_run_that_is_interrupted_leaves_whole_tables(events: int, tenant: Tenant, tmp_path: pathlib.Path) -> None:
    child = started(tmp_path / "lake", tenant)
    assert child.stdout is not None
    for _ in range(events):
        assert child.stdout.readline()
    child.send_signal(signal.SIGINT)
    assert child.wait() == 41, child.stdout.read()
    # Each table is read by somebody else as it is now, and whole after the next run.
    for log in (tmp_path / "lake").glob("*/*/_delta_log"):
        table(tmp_path / "lake", str(log.parent.relative_to(tmp_path / "lake")))
    assert cw.run(lakehouse=tmp_path / "lake", config=tenant.config).outcome == "done"
    assert table(tmp_path / "lake", "gold/fact_timeentry").num_rows == SCALE == tenant.counted("TimeEntry")
    runs = cw.status(lakehouse=tmp_path / "lake")["runs"]
    assert [run["outcome"] for run in runs] == ["done", "interrupted"]


def test_a_server_that_says_nothing_more_holds_nobody(tenant: Tenant, tmp_path: pathlib.Path) -> None:
    # Without an interrupt this run waits for a minute, eight times.
    tenant.fault(path="/service/boards*", stall=True, times=1000)
    child = started(tmp_path / "lake", tenant)
    assert child.stdout is not None
    while "progress bronze/bronze_cw_board" not in (line := child.stdout.readline()):
        assert line
    child.send_signal(signal.SIGINT)
    # The limit only tells a test that fails from one that goes on for ever.
    assert child.wait(timeout=50) == 41
