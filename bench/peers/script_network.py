"""All lists without parents as a plain script loads them: one page after the other, into Delta tables of key and record. The highest
change time of each list is kept in a file: the first run loads everything, later ones merge what changed since."""

import json
import os
import sys

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

from lists import lists
from tenant import Counted, session

STATE = "watermarks.json"
counted, opened = Counted(), session()
watermarks = json.load(open(STATE)) if os.path.exists(STATE) else {}
for name, path, changed in lists():
    since = watermarks.get(name) if changed else None
    records = [record for page in counted.pages(opened, since, path, changed or "") for record in page]
    times = [record["_info"]["lastUpdated"] for record in records if changed and record.get("_info", {}).get("lastUpdated")]
    watermarks[name] = max([*times, *filter(None, [since])], default=None)
    rows = pa.table(
        {
            "id": pa.array([record["id"] for record in records], pa.int64()),
            "record": pa.array([json.dumps(record) for record in records], pa.string()),
        }
    )
    if since is None:
        write_deltalake(name, rows, mode="overwrite")
    elif records:
        merge = DeltaTable(name).merge(rows, "old.id = new.id", source_alias="new", target_alias="old")
        merge.when_matched_update_all().when_not_matched_insert_all().execute()
with open(STATE, "w") as file:
    json.dump(watermarks, file)
json.dump(counted.told(), sys.stdout)
