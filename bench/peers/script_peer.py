"""The load as most scripts do it: requests, a pydantic model, rows as dicts, deltalake. Appends batch by batch."""

import json
import sys
from typing import Any

import pyarrow as pa
from deltalake import write_deltalake
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
waiting: list[dict[str, Any]] = []


def write() -> None:
    if waiting:
        write_deltalake("script", pa.Table.from_pylist(waiting, schema=schema), mode="append")
        waiting.clear()


for page in counted.pages(session()):
    waiting.extend(row(TimeEntry.model_validate(record)) for record in page)
    if len(waiting) >= 50_000:
        write()
write()
json.dump(counted.told(), sys.stdout)
