"""Spark as the engine of a run: facts are computed by a session of the user's. The compiled part says what, and judges what comes back.

Of a session only ``sql``, ``read``, ``conf``, ``catalog.dropTempView`` and the writing of Parquet are called, which sessions of Spark 3.5 and 4 have,
classic ones and those of Spark Connect.
"""

from __future__ import annotations

import contextlib
import json
import re
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .errors import ConfigError, ConnectWiseError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

#: Settings of the session that decide what a SELECT and its files mean. They are put back after each query.
SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    # What doesn't fit its type is an error, and not NULL or another number.
    "spark.sql.ansi.enabled": "true",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    # Days of before 1582 as everybody else counts them.
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
}
#: Longest text of an error that is told. Spark's have plans of many lines behind it.
LONGEST = 400


def of_notebook() -> SparkSession | None:
    """The session that Spark notebooks have as ``spark``, where calls of an earlier package expect it to be found."""
    found: SparkSession | None = getattr(sys.modules.get("__main__"), "spark", None)
    return found if hasattr(found, "createDataFrame") else None


def engine(named: str, session: object) -> Engine | None:
    """The engine of a run by its name, ``None`` for the embedded one."""
    if named == "embedded":
        return None
    if named != "spark":
        raise ConfigError(f'engine is "embedded" or "spark", and not {named!r}')
    found: Any = of_notebook() if session is None else session
    if found is None:
        raise ConfigError('engine="spark" computes on a Spark session, and there is none: give one as spark=, or leave engine out')
    if not all(hasattr(found, name) for name in ("sql", "read", "conf", "catalog")):
        raise ConfigError(f"spark is a Spark session, and not {type(found).__name__}")
    return Engine(found)


class Engine:
    """What the compiled part calls, on threads of its own."""

    def __init__(self, session: SparkSession) -> None:
        self._spark = session
        self._job: str | None = None
        self._counted: set[tuple[str, ...]] = set()

    def compute(self, query: str) -> int:
        """Runs a query, which is JSON, and returns how many rows it wrote."""
        asked = json.loads(query)
        try:
            with self._named(asked["prefix"], asked["model"]), self._settings():
                return self._computed(asked)
        except ConnectWiseError:
            raise
        except Exception as error:
            raise ConnectWiseError(reason(error)) from error

    def cancel(self) -> None:
        """Ends the query that is under way, as far as the session can."""
        if (job := self._job) is None:
            return
        with contextlib.suppress(Exception):
            self._spark.sparkContext.cancelJobGroup(job)
            return
        with contextlib.suppress(Exception):
            self._spark.interruptTag(job)

    def _computed(self, asked: dict[str, Any]) -> int:
        made = []
        try:
            for table in asked["tables"]:
                self._read(table).createOrReplaceTempView(table["name"])
                made.append(table["name"])
            self._spark.sql(asked["sql"]).write.mode("overwrite").parquet(asked["output"])
            rows: int = self._spark.read.schema(asked["columns"]).parquet(asked["output"]).count()
            return rows
        finally:
            for name in made:
                with contextlib.suppress(Exception):
                    self._spark.catalog.dropTempView(name)

    def _read(self, table: dict[str, Any]) -> DataFrame:
        if table["version"] is None:
            frame = self._spark.read.schema(table["columns"]).parquet(*table["files"])
            self._check(table, frame)
            return frame
        place, version = table["version"]
        try:
            # What isn't there is told now, and not when the rows are read.
            frame = self._spark.read.format("delta").option("versionAsOf", version).load(place)
            _ = frame.columns
        except Exception as error:
            raise ConnectWiseError(
                f"{table['table']} has partitions, deletion vectors or mapped columns, which Spark reads with Delta Lake only: {reason(error)}"
            ) from error
        return frame

    def _check(self, table: dict[str, Any], frame: DataFrame) -> None:
        """Not every engine fails where a file isn't there: Sail takes it for one without rows. The files of a table are counted once."""
        files = tuple(table["files"])
        if table["rows"] is None or files in self._counted:
            return
        if (found := frame.count()) != table["rows"]:
            raise ConnectWiseError(
                f"it finds {found} of the {table['rows']} rows of {table['table']}: it has to read the lakehouse under the same address, "
                "on all of its machines"
            )
        self._counted.add(files)

    @contextlib.contextmanager
    def _settings(self) -> Iterator[None]:
        conf = self._spark.conf
        before = {name: conf.get(name, None) for name in SETTINGS}
        try:
            for name, value in SETTINGS.items():
                conf.set(name, value)
            yield
        finally:
            for name, value in before.items():
                with contextlib.suppress(Exception):
                    conf.unset(name) if value is None else conf.set(name, value)

    @contextlib.contextmanager
    def _named(self, job: str, model: str) -> Iterator[None]:
        """Names what this thread asks of Spark, so that it can be ended."""
        self._job = job
        context: Any = None
        with contextlib.suppress(Exception):
            context = self._spark.sparkContext
            context.setJobGroup(job, f"connectwise_etl: {model}", True)
        if context is None:
            with contextlib.suppress(Exception):
                self._spark.addTag(job)
        try:
            yield
        finally:
            self._job = None
            with contextlib.suppress(Exception):
                if context is None:
                    self._spark.removeTag(job)
                else:
                    for name in ("spark.jobGroup.id", "spark.job.description", "spark.job.interruptOnCancel"):
                        context.setLocalProperty(name, None)


def reason(error: BaseException) -> str:
    """What an error of Spark says, in a line and without the plan and the stack that come with it."""
    text = ""
    java = getattr(error, "java_exception", None)
    with contextlib.suppress(Exception):
        # Py4J says where Spark was called, and the last cause why it failed.
        while java is not None:
            text = str(java.toString())
            java = java.getCause()
    if not text:
        with contextlib.suppress(Exception):
            text = str(error.getMessage())  # type: ignore[attr-defined]
    text = text or str(error) or type(error).__name__
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    line = re.sub(r"^(?:[\w$]+\.)+[\w$]*(?:Exception|Error):\s*", "", lines[0] if lines else type(error).__name__)
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}..."
