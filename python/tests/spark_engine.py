"""Facts that Spark computes, held against those of the embedded engine: spark_engine.py [lakehouse to be killed over]

Run by `python/test` in an environment with Sail, and in one with plain pyspark and a Java where there is one: whichever is installed is
used. With an argument it is the run that is killed when Spark has written the rows of the first fact.
"""

from __future__ import annotations

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from typing import Any

import connectwise_etl as cw
from connectwise_etl import spark as spark_engine

SCALE = 1000
DAYS = 3
TECHNICAL = {"_etl_gold_processed_at", "_etl_batch_id"}
SERVERS: list[Any] = []
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"


def session() -> Any:
    """A session on this machine: Sail's where it is installed, else one with a Java of its own."""
    from pyspark.sql import SparkSession

    try:
        import pysail.spark
    except ModuleNotFoundError:
        settings = {
            "spark.driver.memory": "1g",
            "spark.ui.enabled": "false",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.host": "127.0.0.1",
            "spark.sql.shuffle.partitions": "2",
            "spark.sql.warehouse.dir": str(pathlib.Path(tempfile.gettempdir()) / "warehouse"),
        }
        return SparkSession.builder.master("local[2]").config(map=settings).getOrCreate()
    server = pysail.spark.SparkConnectServer("127.0.0.1", 0)
    server.start(background=True)
    # It ends with the last that knows of it.
    SERVERS.append(server)
    address = server.listening_address
    return SparkSession.builder.remote(f"sc://{address[0]}:{address[1]}").getOrCreate()


def killed(lakehouse: str) -> None:
    """Kills this process after Spark has written its rows and before anything is committed."""
    compute = spark_engine.Engine.compute

    def and_then_nothing(self: spark_engine.Engine, query: str) -> int:
        compute(self, query)
        os._exit(9)

    spark_engine.Engine.compute = and_then_nothing  # type: ignore[method-assign]
    cw.run("gold", lakehouse=lakehouse, spark=session(), engine="spark")


def tables(lakehouse: pathlib.Path) -> dict[str, tuple[list[str], list[str]]]:
    """The columns with their types and the rows of every gold table, in an order that is their own."""
    found = {}
    for folder in sorted((lakehouse / "gold").iterdir()):
        read = cw.query(f"select * from {folder.name}", lakehouse=lakehouse).to_arrow()
        read = read.select([name for name in read.column_names if name not in TECHNICAL])
        found[folder.name] = ([f"{field.name} {field.type}" for field in read.schema], sorted(map(repr, read.to_pylist())))
    return found


def same(one: pathlib.Path, other: pathlib.Path, when: str) -> None:
    expected, found = tables(one), tables(other)
    assert list(found) == list(expected), (when, set(found) ^ set(expected))
    for name, (columns, rows) in expected.items():
        assert found[name][0] == columns, (when, name)
        differing = set(rows) ^ set(found[name][1])
        assert found[name][1] == rows, (when, name, len(rows), len(differing), sorted(differing)[:4])


def versions(lakehouse: pathlib.Path) -> dict[str, int]:
    return {folder.name: len(list((folder / "_delta_log").glob("*.json"))) for folder in (lakehouse / "gold").iterdir()}


def facts(lakehouse: pathlib.Path) -> list[str]:
    return sorted(folder.name for folder in (lakehouse / "gold").glob("fact_*"))


def exchanges(lakehouse: pathlib.Path) -> list[pathlib.Path]:
    return list(lakehouse.glob("*/*/_exchange-*"))


def copied(one: pathlib.Path, other: pathlib.Path, *layers: str) -> pathlib.Path:
    for layer in layers:
        shutil.rmtree(other / layer, ignore_errors=True)
        shutil.copytree(one / layer, other / layer)
    return other


def without_facts(one: pathlib.Path, other: pathlib.Path) -> pathlib.Path:
    """A copy of a lakehouse without its facts, whose dimensions have given their keys already."""
    copied(one, other, "bronze", "silver", "gold", "etl")
    for name in facts(other):
        shutil.rmtree(other / "gold" / name)
    return other


class Counted(spark_engine.Engine):
    """An engine that says what it was asked for."""

    asked: list[str] = []

    def compute(self, query: str) -> int:
        import json

        self.asked.append(json.loads(query)["model"])
        return super().compute(query)


class Misspelled:
    """A session to which every SELECT comes with a fault."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def sql(self, text: str) -> Any:
        return self._real.sql(text.replace("computed", "computed where noSuchColumn = 1"))


class Boastful:
    """A session that counts a row more than it has written."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    @property
    def read(self) -> Any:
        real = self._real

        class Reader:
            def schema(self, columns: str) -> Reader:
                self._reader = real.read.schema(columns)
                return self

            def parquet(self, *places: str) -> Any:
                frame = self._reader.parquet(*places)
                return Reader.Frame(frame) if places[0].endswith("/computed") else frame

            class Frame:
                def __init__(self, frame: Any) -> None:
                    self._frame = frame

                def count(self) -> int:
                    return int(self._frame.count()) + 1

        return Reader()


def as_delta(spark: Any, table: pathlib.Path) -> None:
    """A version of a table that has more in its log than files is read as Delta by a session that can, and refused by others."""
    newest = len(list((table / "_delta_log").glob("*.json"))) - 1
    place = {"table": "silver/silver_cw_board", "columns": "", "files": [], "rows": None, "version": [f"file://{table}", newest]}
    try:
        found = spark_engine.Engine(spark)._read(place).count()
    except cw.ConnectWiseError as error:
        assert str(error).startswith("silver/silver_cw_board has partitions, deletion vectors or mapped columns"), error
        assert "delta" in str(error) and "\n" not in str(error), error
    else:
        assert found == len(cw.query("select id from silver_cw_board", lakehouse=table.parents[1]))


def without_a_file(spark: Any, table: pathlib.Path) -> None:
    """Rows that Spark doesn't find are told, also where it takes a file that isn't there for one without rows."""
    files = [f"file://{file}" for file in table.glob("*.parquet")]
    place = {"table": "silver/silver_cw_board", "columns": "id bigint", "files": files, "rows": 1_000_000, "version": None}
    try:
        spark_engine.Engine(spark)._read(place)
    except cw.ConnectWiseError as error:
        assert "of the 1000000 rows of silver/silver_cw_board: it has to read the lakehouse" in str(error), error
    else:
        raise AssertionError(files)


def by_spark(failed: dict[str, str]) -> dict[str, str]:
    """What is told of facts that failed themselves: others read one of them."""
    own = {name: told for name, told in failed.items() if not told.endswith("which could not be built")}
    assert len(own) > len(failed) // 2, failed
    return own


def refused(expected: str, **arguments: Any) -> None:
    try:
        cw.run("gold", **arguments)
    except cw.ConfigError as error:
        assert expected in str(error) and "\n" not in str(error), error
    else:
        raise AssertionError(expected)


def main(folder: pathlib.Path) -> None:
    here, there, cut = folder / "here", folder / "there", folder / "cut off"
    with cw.Simulator(scale=SCALE) as tenant:
        cw.run(lakehouse=here, config=tenant.config)
        refused("there is none: give one as spark=", lakehouse=here, engine="spark")
        refused("engine is \"embedded\" or \"spark\", and not 'flink'", lakehouse=here, engine="flink")
        refused("spark is a Spark session, and not str", lakehouse=here, engine="spark", spark="local")

        # Before this process has a session: there is one at a time.
        without_facts(here, cut)
        child = subprocess.run([sys.executable, __file__, str(cut)], check=False)
        assert child.returncode == 9, child.returncode
        (left,) = exchanges(cut)
        assert list(left.glob("computed/*.parquet")) and not (left.parent / "_delta_log").exists(), left

        spark = session()
        spark_engine.Engine = Counted  # type: ignore[misc]
        spark.conf.set("spark.sql.session.timeZone", "America/New_York")
        spark.sql("select 'mine' as whose").createOrReplaceTempView("silver_cw_timeentry")
        spark.sql("select 'mine' as whose").createOrReplaceTempView("dimcompany")

        def built(lakehouse: pathlib.Path, mode: Any = "incremental") -> list[str]:
            Counted.asked = []
            report = cw.run_etl_pipeline(spark, ["gold"], mode, lakehouse=lakehouse, engine="spark")
            assert report.outcome == "done" and exchanges(lakehouse) == [], (report, exchanges(lakehouse))
            return sorted(Counted.asked)

        started = time.time()
        assert built(cut) == facts(here)
        print(f"{len(facts(here))} facts in {time.time() - started:.0f} seconds", flush=True)
        same(here, cut, "after a run that was killed")

        without_facts(here, there)
        assert built(there) == facts(here)
        same(here, there, "built anew")
        before = versions(there)
        assert built(there) == [] and versions(there) == before
        # A full build looks at everything, and has nothing to write.
        assert built(there, "full") == facts(here)
        assert versions(there) == before, {name: (before[name], now) for name, now in versions(there).items() if now != before[name]}

        for day in range(DAYS):
            urllib.request.urlopen(urllib.request.Request(f"{tenant.url}/_sim/advance", data=b'{"days": 1}')).read()
            cw.run(lakehouse=here, config=tenant.config)
            copied(here, there, "bronze", "silver")
            asked = built(there)
            assert set(asked) < set(facts(here)), asked
            same(here, there, f"day {day + 1}")
        cw.run("gold", "full", lakehouse=here)
        built(there, "full")
        same(here, there, "built in full after these days")

        # A fault of Spark's names the fact, and nothing changes.
        before = versions(there)
        report = cw.run("gold", "full", lakehouse=there, spark=Misspelled(spark), engine="spark", on_failure="return")
        failed = {step["table"]: step["error"] for step in report.failed}
        assert sorted(failed) == facts(here) and versions(there) == before and exchanges(there) == []
        for name, told in by_spark(failed).items():
            assert told.startswith(f"Spark can't compute {name}, whose table is as it was: "), told
            assert "noSuchColumn".lower() in told.lower() and "\n" not in told, told

        # As when executors write to disks of their own: what Spark says it wrote isn't where it has to be.
        report = cw.run("gold", "full", lakehouse=there, spark=Boastful(spark), engine="spark", on_failure="return")
        assert sorted(step["table"] for step in report.failed) == facts(here) and versions(there) == before and exchanges(there) == []
        for name, told in by_spark({step["table"]: step["error"] for step in report.failed}).items():
            assert "under the same address, on all of its machines" in told and name in told, told

        as_delta(spark, here / "silver/silver_cw_board")
        without_a_file(spark, there / "silver/silver_cw_board")

        # What is the user's stayed so.
        assert spark.conf.get("spark.sql.session.timeZone") == "America/New_York"
        for name in ("silver_cw_timeentry", "dimcompany"):
            assert [row["whose"] for row in spark.sql(f"select * from {name}").collect()] == ["mine"]
        ours = [table.name for table in spark.catalog.listTables() if table.name.startswith("connectwise_etl_")]
        assert ours == [], ours

        # Ctrl-C while Spark is at work. Sail's server hears it, too, and ends.
        interrupted(spark, there)
        if SERVERS:
            cw.run("gold", "full", lakehouse=there)
        else:
            assert built(there, "full") == facts(here)
        assert exchanges(there) == []
        same(here, there, "after an interrupt")
    print("facts are those of Spark", flush=True)


def interrupted(spark: Any, lakehouse: pathlib.Path) -> None:
    compute, moments = Counted.compute, []

    def stop() -> None:
        moments.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    def watched(self: Counted, query: str) -> int:
        if not moments:
            threading.Timer(0.2, stop).start()
        return compute(self, query)

    Counted.compute = watched  # type: ignore[method-assign]
    try:
        cw.run("gold", "full", lakehouse=lakehouse, spark=spark, engine="spark")
    except KeyboardInterrupt:
        took = time.monotonic() - moments[0]
        assert took < 2, took
    else:
        raise AssertionError("nobody was interrupted")
    finally:
        Counted.compute = compute  # type: ignore[method-assign]


if len(sys.argv) > 1:
    killed(sys.argv[1])
with tempfile.TemporaryDirectory() as made:
    main(pathlib.Path(made))
    sys.stdout.flush()
    # The end of a session waits for minutes.
    shutil.rmtree(made, ignore_errors=True)
    os._exit(0)
