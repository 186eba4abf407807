"""The load as dlt does it: a resource that yields pages, into a Delta table on the local disk."""

import contextlib
import json
import os
import sys

import dlt
from dlt.destinations import filesystem

from tenant import Counted, session

counted = Counted()


@dlt.resource(name="time_entries", table_format="delta", write_disposition="replace", max_table_nesting=0)
def time_entries():
    yield from counted.pages(session())


with contextlib.redirect_stdout(sys.stderr):
    pipeline = dlt.pipeline(
        "bench",
        destination=filesystem(bucket_url="file://" + os.path.join(os.getcwd(), "dlt")),
        dataset_name="bronze",
        pipelines_dir=os.path.join(os.getcwd(), "pipelines"),
    )
    pipeline.run(time_entries())
json.dump(counted.told(), sys.stdout)
