"""The load as most scripts do it: requests, a pydantic model, rows as dicts, deltalake. The first run appends batch by batch and
keeps the highest change time in a file, later ones merge what changed since."""

import json
import pathlib
import sys
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake
from pydantic import BaseModel, ConfigDict

from tenant import Counted, session


class Reference(BaseModel):
    model_config = ConfigDict(extra="ignore")
    id: int | None = None
    identifier: str | None = None
    name: str | None = None


class TimeEntry(BaseModel):
    """The properties that reports use; others are kept as one text."""

    model_config = ConfigDict(extra="allow")
    id: int
    company: Reference | None = None
    companyType: str | None = None
    chargeToId: int | None = None
    chargeToType: str | None = None
    member: Reference | None = None
    workType: Reference | None = None
    workRole: Reference | None = None
    agreement: Reference | None = None
    ticket: Reference | None = None
    project: Reference | None = None
    timeStart: str | None = None
    timeEnd: str | None = None
    actualHours: float | None = None
    billableOption: str | None = None
    notes: str | None = None
    hourlyRate: float | None = None
    status: str | None = None
    dateEntered: str | None = None


def row(entry: TimeEntry) -> dict[str, Any]:
    values = entry.model_dump()
    extra = {name: values.pop(name) for name in (entry.model_extra or {})}
    values["extra"] = json.dumps(extra)
    return values


reference = pa.struct([("id", pa.int64()), ("identifier", pa.string()), ("name", pa.string())])
kinds = {"Reference": reference, "int": pa.int64(), "float": pa.float64(), "str": pa.string()}
schema = pa.schema(
    [
        (name, next(kind for word, kind in kinds.items() if word in str(field.annotation)))
        for name, field in TimeEntry.model_fields.items()
    ]
    + [("extra", pa.string())]
)

counted = Counted()
cursor = pathlib.Path("script-cursor.txt")
since = cursor.read_text() if cursor.exists() else None
newest = since or ""
waiting: list[dict[str, Any]] = []


def write() -> None:
    if not waiting:
        return
    rows = pa.Table.from_pylist(waiting, schema=schema)
    waiting.clear()
    if since is None:
        write_deltalake("script", rows, mode="append")
        return
    merge = DeltaTable("script").merge(rows, "target.id = source.id", source_alias="source", target_alias="target")
    merge.when_matched_update_all().when_not_matched_insert_all().execute()


for page in counted.pages(session(), since):
    newest = max([newest, *(record["_info"]["lastUpdated"] for record in page)])
    waiting.extend(row(TimeEntry.model_validate(record)) for record in page)
    if since is None and len(waiting) >= 50_000:
        write()
write()
cursor.write_text(newest)
json.dump(counted.told(), sys.stdout)
