"""Loading a tenant, keeping its lakehouse, and asking it. Each function is a command of ``connectwise-etl`` and returns what it tells."""

from __future__ import annotations

import datetime
import json
import warnings
from typing import TYPE_CHECKING, Any, Literal

from . import progress as bars
from .errors import ConfigError, IncompleteWarning, RunFailed
from .frame import Frame
from .report import Diagnosis, Maintenance, Reconciliation, RunReport, Status, Verification
from .settings import Config, Moment, Names, Place, Token, moment, names, session, whole
from .spark import engine as engine_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LAYERS = ("bronze", "silver", "gold")
#: Largest number of days and of hours that the compiled part takes.
MOST = 2**32 - 1


def run(
    layers: Names = LAYERS,
    mode: Literal["incremental", "full"] = "incremental",
    *,
    lakehouse: Place | None = None,
    entities: Names | None = None,
    include: Names | None = None,
    exclude: Names | None = None,
    optional: Names | None = None,
    since: Moment | None = None,
    lookback_days: int | None = None,
    max_share: float | None = None,
    adopt_tenant: bool = False,
    adopt: bool = False,
    config: Config | None = None,
    token: Token | None = None,
    spark: SparkSession | None = None,
    engine: Literal["embedded", "spark"] = "embedded",
    progress: bars.Progress | bool | None = None,
    on_failure: Literal["raise", "return"] = "raise",
) -> RunReport:
    """Loads what the API has into the lakehouse, layer by layer.

    An entity that fails doesn't stop the others. What is written is whole: a read that can't prove its end replaces nothing.
    Interrupting it leaves every table at its last commit, and the next run goes on from there.

    :param layers: what is built, of ``bronze``, ``silver`` and ``gold``
    :param mode: ``incremental`` reads what changed, ``full`` everything; the first time both are the same
    :param lakehouse: a folder, or the URL of an object store; without it ``CW_LAKEHOUSE``, or else the lakehouse that is attached to
        a notebook of Fabric, or else ``./lakehouse``
    :param entities: names such as ``TimeEntry,Agreement``; ``include``, ``exclude`` and ``optional`` take patterns, too
    :param since: reads again what changed since then
    :param lookback_days: days that every business-date window goes back
    :param max_share: largest share of a table's rows, in percent, that may be missing from a full read (5)
    :param adopt_tenant: takes over a lakehouse of a tenant whose server or company id has changed
    :param adopt: replaces tables that another program made, such as the PySpark package of this name, in a lakehouse that was never
        loaded; without it such a lakehouse is refused. Earlier versions of these tables stay readable
    :param config: path of a ``connectwise-etl.toml``, or variables such as ``{"CW_BASE_URL": ...}``, which count more than the
        environment; so several tenants can be loaded by one process
    :param token: gives an access token for a lakehouse in OneLake or elsewhere on Azure, as ``lambda: credential.get_token(scope)`` with one of
        ``azure.identity`` and the scope ``https://storage.azure.com/.default``; it is called again, on another thread, when that is about
        to end. A notebook of Fabric needs none
    :param spark: the Spark session for ``engine="spark"``; without it the ``spark`` of the notebook
    :param engine: ``spark`` lets Spark compute the facts that are computed as a whole: all that aren't as they have to be when ``mode`` is
        ``full``, else those of which more than 250,000 rows may have changed, and those that have no rows to be told apart by. Spark has to
        read and write the lakehouse under the address that it has here. ``embedded`` computes everything in this process
    :param progress: ``None`` shows a line where somebody looks, ``False`` nothing; a function is told what happens
    :param on_failure: ``raise`` raises :exc:`RunFailed` when a step failed, ``return`` leaves it to the report
    :raises ConfigError: an argument or a credential is missing or wrong; nothing was touched
    :raises RunFailed: steps failed; its ``report`` says which
    """
    if on_failure not in ("raise", "return"):
        raise ConfigError(f'on_failure is "raise" or "return", and not {on_failure!r}')
    arguments = {
        "layers": names(layers),
        "mode": mode,
        "since": moment(since),
        "lookback_days": whole("lookback_days", lookback_days, 0, MOST),
        "chosen": _chosen(entities, include, exclude, optional),
        "adopt_tenant": adopt_tenant,
        "adopt": adopt,
        "max_share": max_share,
        "spark": engine_of(engine, spark),
    }
    native = session(lakehouse, config, token)
    with bars.shown(progress) as callback:
        text, outcome = native.run(arguments, callback)
    report = RunReport(json.loads(text), outcome)
    if report.incomplete:
        left_out = "; ".join(f"{step['layer']}/{step['table']}: {step['error']}" for step in report.incomplete)
        warnings.warn(f"incomplete, and asked for again by the next run: {left_out}", IncompleteWarning, stacklevel=2)
    if report.failed and on_failure == "raise":
        why = "; ".join(f"{step['layer']}/{step['table']}: {step['error']}" for step in report.failed)
        raise RunFailed(f"{len(report.failed)} of {len(report.steps)} steps failed, and left their tables as they were: {why}", report)
    return report


def run_etl_pipeline(
    spark: SparkSession | None = None,
    layers: Names = LAYERS,
    mode: Literal["incremental", "full"] = "incremental",
    lookback_days: int | None = None,
    **options: Any,
) -> RunReport:
    """:func:`run` for calls that hand over a Spark session first, which is used with ``engine="spark"`` only.

    A full load reads everything, so that ``lookback_days`` says nothing beside ``mode="full"``. ``options`` are those of :func:`run`;
    without ``lakehouse`` that is ``CW_LAKEHOUSE``, or the one that is attached to a notebook of Fabric.
    """
    return run(layers, mode, lookback_days=None if mode == "full" else lookback_days, spark=spark, **options)


def query(sql: str, *, lakehouse: Place | None = None, config: Config | None = None, token: Token | None = None) -> Frame:
    """The rows of one SELECT over the lakehouse, all of them in memory.

    Tables go by their names: ``bronze_cw_timeentry``, ``silver_cw_timeentry``, ``fact_timeentry``, ``etl_steps``.

    :raises QueryError: the SQL can't be read or run, or isn't a SELECT
    :raises ConfigError: a table isn't there
    """
    return Frame(session(lakehouse, config, token).query(sql))


def ask(
    question: str,
    *,
    company: str | int | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
    by: Names | None = None,
    lakehouse: Place | None = None,
    config: Config | None = None,
    token: Token | None = None,
) -> Frame:
    """The answer to a saved question, such as ``"agreement profit"``, or to a single measure, such as ``"margin percentage"``.

    :func:`questions` lists them. Columns are called as the measures, in camel case: ``effectiveHourlyRate``.

    :param company: name, identifier or id of the only company that counts
    :param since: first day that counts; a text may name a month (``"2026-01"``) or a year, too
    :param until: last day, month or year that counts
    :param by: what the answer is cut by, such as ``"month,company"``; ``"total"`` gives one row
    :raises ConfigError: there is no such question, cut, day or company, or a gold table isn't there yet
    """
    narrowed = {
        "by": [] if by is None else names(by),
        "company": None if company is None else str(company),
        "since": _day(since),
        "until": _day(until),
    }
    return Frame(session(lakehouse, config, token).ask(question, narrowed))


def questions(
    *, lakehouse: Place | None = None, config: Config | None = None, token: Token | None = None
) -> list[dict[str, Any]]:
    """The saved questions: ``question``, ``group``, ``description``, ``measures`` with their units, what it is cut ``by`` and other ``cuts``."""
    listed: list[dict[str, Any]] = json.loads(session(lakehouse, config, token).questions())
    return listed


def status(
    run: str | None = None, *, lakehouse: Place | None = None, config: Config | None = None, token: Token | None = None
) -> Status | dict[str, Any]:
    """How fresh each table is and how the last runs went; with ``run``, the end of a run's name or ``last``, what that did."""
    opened = session(lakehouse, config, token)
    if run is not None:
        detail: dict[str, Any] = json.loads(opened.status_of(run))
        return detail
    return Status(json.loads(opened.status()) or {})


def schema(
    table: str | None = None,
    layer: str | None = None,
    *,
    lakehouse: Place | None = None,
    config: Config | None = None,
    token: Token | None = None,
) -> list[dict[str, Any]]:
    """The columns of a table (``fact_timeentry``, ``silver_cw_agreement``) or of an entity's silver table (``Agreement``); without a
    name all tables. ``layer`` is ``bronze``, ``silver``, ``gold`` or ``etl``.

    Each column has ``name``, ``type`` and ``nullable``, in silver ``policy``, what the privacy policy makes of it, and in gold
    ``description``, what it is.
    """
    opened = session(lakehouse, config, token)
    text = opened.tables(layer) if table is None else opened.columns(table, layer)
    described: list[dict[str, Any]] = json.loads(text)
    return described


def doctor(
    entities: Names | None = None,
    *,
    include: Names | None = None,
    exclude: Names | None = None,
    optional: Names | None = None,
    lakehouse: Place | None = None,
    config: Config | None = None,
    token: Token | None = None,
    progress: bars.Progress | bool | None = None,
) -> Diagnosis:
    """Finds out whether the tenant can be loaded, and which rights to ask its administrator for. Writes nothing.

    :param progress: as that of :func:`run`
    """
    opened, chosen = session(lakehouse, config, token), _chosen(entities, include, exclude, optional)
    with bars.shown(progress) as callback:
        return Diagnosis(json.loads(opened.doctor(chosen, callback)))


def reconcile(
    entities: Names | None = None,
    *,
    dry_run: bool = False,
    include: Names | None = None,
    exclude: Names | None = None,
    optional: Names | None = None,
    max_share: float | None = None,
    lakehouse: Place | None = None,
    config: Config | None = None,
    token: Token | None = None,
    progress: bars.Progress | bool | None = None,
) -> Reconciliation:
    """Takes rows that are gone at the source out of bronze. What speaks against it is in ``refused`` of the report.

    :param dry_run: finds out everything and writes nothing
    :param max_share: largest share of a table's rows, in percent, that may be missing
    :param progress: as that of :func:`run`
    """
    arguments = {"chosen": _chosen(entities, include, exclude, optional), "dry_run": dry_run, "max_share": max_share}
    opened = session(lakehouse, config, token)
    with bars.shown(progress) as callback:
        return Reconciliation(json.loads(opened.reconcile(arguments, callback)))


def maintain(
    layers: Names = (*LAYERS, "etl"),
    *,
    dry_run: bool = False,
    retention_hours: int = 168,
    orphan_hours: int = 168,
    lakehouse: Place | None = None,
    config: Config | None = None,
    token: Token | None = None,
    progress: bars.Progress | bool | None = None,
) -> Maintenance:
    """Puts small files together and removes what nothing needs any more. No row changes.

    :param retention_hours: hours that files of old versions stay: so far back they can be read
    :param orphan_hours: hours that files stay which no commit names: longer than any run takes
    :param progress: as that of :func:`run`
    """
    retention, orphans = whole("retention_hours", retention_hours, 0, MOST), whole("orphan_hours", orphan_hours, 0, MOST)
    if retention is None or orphans is None:
        raise ConfigError("retention_hours and orphan_hours are whole numbers, and not None")
    arguments = {"layers": names(layers), "dry_run": dry_run, "retention_hours": retention, "orphan_hours": orphans}
    opened = session(lakehouse, config, token)
    with bars.shown(progress) as callback:
        return Maintenance(json.loads(opened.maintain(arguments, callback)))


def verify(
    layers: Names = (*LAYERS, "etl"),
    *,
    repair: bool = False,
    lakehouse: Place | None = None,
    config: Config | None = None,
    token: Token | None = None,
    progress: bars.Progress | bool | None = None,
) -> Verification:
    """Reads every file of every table and compares each layer with the one below.

    :param repair: leaves word with tables that something was found of: the next run loads or builds all of them
    :param progress: as that of :func:`run`
    """
    opened = session(lakehouse, config, token)
    with bars.shown(progress) as callback:
        return Verification(json.loads(opened.verify(names(layers), repair, callback)))


def _day(moment: Moment | None) -> str | None:
    """A day as the compiled part takes it; what a text means is told there."""
    if isinstance(moment, datetime.datetime):
        moment = moment.date()
    return moment.isoformat() if isinstance(moment, datetime.date) else moment


def _chosen(
    entities: Names | None, include: Names | None, exclude: Names | None, optional: Names | None
) -> dict[str, list[str]]:
    chosen = {"entities": entities, "include": include, "exclude": exclude, "optional": optional}
    return {name: names(what) for name, what in chosen.items()}
