"""All lists without parents as dlt loads them: a parallelised resource each, four at once, into Delta tables on the local disk.
dlt's own cursors keep the highest change times: the first run loads everything, later ones merge what changed since. Lists without
a change time are replaced."""

import contextlib
import json
import os
import sys

os.environ["EXTRACT__WORKERS"] = sys.argv[1]

import dlt
from dlt.destinations import filesystem

from lists import lists
from tenant import Counted, session

counted = Counted()
first = not os.path.isdir("dlt")
MERGE = {"disposition": "merge", "strategy": "upsert"}


def resource(name: str, path: str, changed: str | None):
    if changed is None:

        def records():
            yield from counted.pages(session(), path=path)

    else:

        def records(cursor=dlt.sources.incremental(changed.replace("/", "."), on_cursor_value_missing="include")):
            yield from counted.pages(session(), None if first else cursor.last_value, path, changed)

    whole = first or changed is None
    return dlt.resource(
        records,
        name=name,
        table_format="delta",
        primary_key="id",
        write_disposition="replace" if whole else MERGE,
        max_table_nesting=0,
        parallelized=True,
    )


with contextlib.redirect_stdout(sys.stderr):
    pipeline = dlt.pipeline(
        "network",
        destination=filesystem(bucket_url="file://" + os.path.join(os.getcwd(), "dlt")),
        dataset_name="bronze",
        pipelines_dir=os.path.join(os.getcwd(), "pipelines"),
    )
    pipeline.run([resource(*one) for one in lists()])
json.dump(counted.told(), sys.stdout)
