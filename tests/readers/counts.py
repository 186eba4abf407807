"""Counts the rows of every table of a lakehouse with readers that are not this project's.

Prints JSON: {"<layer>/<table>": {"duckdb": n, "deltalake": n}}. Live rows only: silver and gold rows that are marked
as deleted at the source don't count.
"""

import json
import pathlib
import sys

import deltalake
import duckdb
import duckdb_extension_delta
import pyarrow.dataset


def duckdb_with_delta():
    connection = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    folder = pathlib.Path(duckdb_extension_delta.__file__).parent
    (extension,) = folder.rglob("delta.duckdb_extension")
    connection.execute(f"load '{extension}'")
    return connection


def main(lakehouse):
    connection = duckdb_with_delta()
    counts = {}
    for log in sorted(pathlib.Path(lakehouse).glob("*/*/_delta_log")):
        folder = log.parent
        columns = [row[0] for row in connection.execute(f"describe select * from delta_scan('{folder}')").fetchall()]
        live = "where not isDeleted" if "isDeleted" in columns else ""
        (rows,) = connection.execute(f"select count(*) from delta_scan('{folder}') {live}").fetchone()
        table = deltalake.DeltaTable(str(folder))
        dataset = table.to_pyarrow_dataset()
        condition = ~pyarrow.dataset.field("isDeleted") if live else None
        counts[f"{folder.parent.name}/{folder.name}"] = {
            "duckdb": rows,
            "deltalake": dataset.count_rows(filter=condition),
            "protocol": [table.protocol().min_reader_version, table.protocol().min_writer_version],
            "columns": columns,
        }
    json.dump(counts, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
