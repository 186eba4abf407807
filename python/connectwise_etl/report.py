"""What was done, as a mapping of everything that ``connectwise-etl --json`` tells, and as a table in a notebook."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from . import html

__all__ = ["Diagnosis", "Maintenance", "Reconciliation", "Report", "RunReport", "Status", "Verification"]


class Report(Mapping[str, Any]):
    """A report. ``report["steps"]`` and the like are what the program's ``--json`` says."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self._content = dict(content)

    def __getitem__(self, key: str) -> Any:
        return self._content[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._content)

    def __len__(self) -> int:
        return len(self._content)

    def _table(self) -> tuple[Sequence[str], Sequence[Sequence[object]]]:
        raise NotImplementedError

    def _summary(self) -> str:
        return ""

    def __repr__(self) -> str:
        header, rows = self._table()
        return "\n".join(part for part in (html.plain(header, rows), self._summary()) if part)

    def _repr_html_(self) -> str:
        header, rows = self._table()
        return html.table(header, rows, footer=self._summary())


class RunReport(Report):
    """What a run did, table by table."""

    def __init__(self, content: Mapping[str, Any], outcome: str) -> None:
        super().__init__(content)
        #: ``done``, ``partly`` when some steps failed or left something out, ``failed`` when nothing went well.
        self.outcome = outcome

    @property
    def run_id(self) -> str:
        """Name of the run, as in the column ``_etl_run_id``."""
        return str(self["runId"])

    @property
    def steps(self) -> list[dict[str, Any]]:
        """What was done to each table."""
        return list(self["steps"])

    @property
    def failed(self) -> list[dict[str, Any]]:
        """Steps that failed; ``error`` says why. Their tables are as they were."""
        return [step for step in self.steps if step["outcome"] == "failed"]

    @property
    def incomplete(self) -> list[dict[str, Any]]:
        """Steps that left something out; ``error`` says what. The next run asks for it again."""
        return [step for step in self.steps if step["outcome"] == "incomplete"]

    @property
    def warnings(self) -> list[str]:
        """What deserves a look though nothing failed."""
        of_steps = [f"{_name(step)}: {warning}" for step in self.steps for warning in step.get("warnings", [])]
        return [*self.get("warnings", []), *of_steps]

    def _table(self) -> tuple[Sequence[str], Sequence[Sequence[object]]]:
        header = ["table", "outcome", "rows read", "new", "changed", "deleted", "version", "seconds", ""]
        keys = ["rowsRead", "rowsInserted", "rowsUpdated", "rowsDeleted", "version", "seconds", "error"]
        return header, [[_name(step), step["outcome"], *(step.get(key) for key in keys)] for step in self.steps]

    def _summary(self) -> str:
        return (
            f"run {self.run_id}: {self.outcome}, {self['seconds']:.1f} s, {self['requests']:,} requests; "
            f"{len(self.failed)} failed, {len(self.incomplete)} incomplete, {len(self.warnings)} warnings; "
            f"the tables are in {self['lakehouse']}"
        )


class Status(Report):
    """How fresh each table is, and how the last runs went. ``tables`` and ``runs`` are empty where no run has written yet."""

    @property
    def tables(self) -> list[dict[str, Any]]:
        """Every table that a run was to build, with its rows, its watermark and when it was last good."""
        return list(self.get("tables", []))

    @property
    def runs(self) -> list[dict[str, Any]]:
        """The last runs, newest first."""
        return list(self.get("runs", []))

    def _table(self) -> tuple[Sequence[str], Sequence[Sequence[object]]]:
        header = ["table", "rows", "last good run", "watermark", "last outcome", ""]
        keys = ["tableName", "rows", "lastGood", "watermark", "outcome", "error"]
        return header, [[table.get(key) for key in keys] for table in self.tables]

    def _summary(self) -> str:
        if not self.runs:
            return "no run has written to this lakehouse yet"
        last = self.runs[0]
        return f"last run {last['runId']}: {last['mode']}, {last['outcome']}, started {last['started']}"


class Diagnosis(Report):
    """Whether a tenant can be loaded, and what is missing. ``health`` is ``good``, ``ailing`` or ``unreachable``."""

    @property
    def health(self) -> str:
        """``good``: all can be loaded. ``ailing``: some can't. ``unreachable``: no answer, or nobody is let in."""
        return str(self["health"])

    @property
    def ask(self) -> list[dict[str, Any]]:
        """Rights to ask the administrator of the tenant for."""
        return list(self["ask"])

    def _table(self) -> tuple[Sequence[str], Sequence[Sequence[object]]]:
        checks = [[check["check"], check["verdict"], check["found"], check.get("advice")] for check in self["checks"]]
        shut = [entity for entity in self["entities"] if entity["access"] not in ("readable", "parents")]
        checks += [[entity["entity"], entity["access"], entity["path"], entity.get("error")] for entity in shut]
        return ["check", "verdict", "found", "what to do"], checks

    def _summary(self) -> str:
        return f"{self['baseUrl']}: {self.health}, {len(self['entities'])} lists looked at"


class Reconciliation(Report):
    """Rows that are gone at the source, entity by entity."""

    @property
    def refused(self) -> list[dict[str, Any]]:
        """Entities of which nothing was deleted because something spoke against it; ``refused`` says what."""
        return [entity for entity in self["entities"] if entity.get("refused")]

    def _table(self) -> tuple[Sequence[str], Sequence[Sequence[object]]]:
        deleted = "to delete" if self["dryRun"] else "deleted"
        rows = []
        for one in self["entities"]:
            counts = [one["stored"], one["listed"], one["missing"], len(one["deleted"]), len(one["stillThere"])]
            rows.append([one["entity"], *counts, one.get("refused") or one.get("note")])
        return ["entity", "rows", "listed", "missing", deleted, "still there", ""], rows

    def _summary(self) -> str:
        return "a dry run: nothing was written" if self["dryRun"] else ""


class Maintenance(Report):
    """What was put together and removed, table by table."""

    @property
    def failed(self) -> list[dict[str, Any]]:
        """Tables that were left as they were; ``error`` says why."""
        return [table for table in self["tables"] if table.get("error")]

    def _table(self) -> tuple[Sequence[str], Sequence[Sequence[object]]]:
        header = ["table", "files", "put together", "into", "expired", "orphans", "bytes removed", ""]
        keys = ["table", "files", "compacted", "compactedInto", "expired", "orphans", "removedBytes", "error"]
        return header, [[table.get(key) for key in keys] for table in self["tables"]]

    def _summary(self) -> str:
        return "a dry run: nothing was changed" if self["dryRun"] else ""


class Verification(Report):
    """What is wrong with the tables; nothing, when the lakehouse is what it has to be."""

    @property
    def findings(self) -> list[dict[str, Any]]:
        """What is wrong, each with its table and what to do."""
        return list(self["findings"])

    def _table(self) -> tuple[Sequence[str], Sequence[Sequence[object]]]:
        keys = ["table", "finding", "count", "what", "advice"]
        header = ["table", "finding", "count", "what was found", "what to do"]
        return header, [[finding.get(key) for key in keys] for finding in self.findings]

    def _summary(self) -> str:
        rows = sum(table["rows"] for table in self["tables"])
        return f"{len(self['tables'])} tables with {rows:,} rows were read: {len(self.findings)} findings"


def _name(step: Mapping[str, Any]) -> str:
    return f"{step['layer']}/{step['table']}"
