"""The load as dlt does it: a resource that yields pages, into a Delta table on the local disk. Its own cursor keeps the highest
change time: the first run loads everything, later ones merge what changed since."""

import contextlib
import json
import os
import sys

import dlt
from dlt.destinations import filesystem

from tenant import Counted, session

counted = Counted()
first = not os.path.isdir("dlt")


@dlt.resource(
    name="time_entries",
    table_format="delta",
    primary_key="id",
    write_disposition="replace" if first else {"disposition": "merge", "strategy": "upsert"},
    max_table_nesting=0,
)
def time_entries(changed=dlt.sources.incremental("_info.lastUpdated")):
    yield from counted.pages(session(), None if first else changed.last_value)


with contextlib.redirect_stdout(sys.stderr):
    pipeline = dlt.pipeline(
        "bench",
        destination=filesystem(bucket_url="file://" + os.path.join(os.getcwd(), "dlt")),
        dataset_name="bronze",
        pipelines_dir=os.path.join(os.getcwd(), "pipelines"),
    )
    pipeline.run(time_entries())
json.dump(counted.told(), sys.stdout)
