"""Reads every table of a lakehouse with readers that are not this project's: counts its rows, sums some of its columns, and
decodes every value of every column with both readers.

Prints JSON: {"<layer>/<table>": {"duckdb": n, "deltalake": n, "sums": {"<column>": "n", ...}, "differing": ["<column>", ...]}}.
Counted and summed are live rows only: silver and gold rows that are marked as deleted at the source don't count. Columns that
differ are those of which the two readers decode other values, over all rows.
"""

import json
import pathlib
import sys

import deltalake
import duckdb
import duckdb_extension_delta
import pyarrow.dataset


SUMMED = 4


def duckdb_with_delta():
    connection = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    folder = pathlib.Path(duckdb_extension_delta.__file__).parent
    (extension,) = folder.rglob("delta.duckdb_extension")
    connection.execute(f"load '{extension}'")
    return connection


def sums(connection, scan, types):
    """Sums of columns, decimals before integers, as texts."""
    numbers = {name: of for name, of in types.items() if not of.endswith("[]")}
    wanted = [name for kind in ("DECIMAL", "INTEGER", "BIGINT") for name, of in numbers.items() if of.startswith(kind)]
    # A sum of hashes has no room in a decimal.
    wanted = [name for name in wanted if "hash" not in name.lower() and name != "historyKey"][:SUMMED]
    if not wanted:
        return {}
    columns = ", ".join(f'cast(sum("{name}") as varchar)' for name in wanted)
    return dict(zip(wanted, connection.execute(f"select {columns} from {scan}").fetchone()))


def checksums(connection, scan, columns):
    """A number for each column that changes with each of its values, so that every one has to be decoded."""
    wanted = ", ".join(f'cast(sum(hash("{name}")) as varchar)' for name in columns)
    return connection.execute(f"select {wanted} from {scan}").fetchone()


def differing(connection, folder, table, columns):
    """Columns of which DuckDB's reader and that of deltalake decode other values."""
    connection.register("decoded", table.to_pyarrow_table())
    sides = [checksums(connection, scan, columns) for scan in (f"delta_scan('{folder}')", "decoded")]
    connection.unregister("decoded")
    return [name for name, one, other in zip(columns, *sides) if one != other]


def main(lakehouse):
    connection = duckdb_with_delta()
    counts = {}
    for log in sorted(pathlib.Path(lakehouse).glob("*/*/_delta_log")):
        folder = log.parent
        described = connection.execute(f"describe select * from delta_scan('{folder}')").fetchall()
        types = {row[0]: row[1] for row in described}
        columns = list(types)
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
            "differing": differing(connection, folder, table, columns),
            "sums": sums(connection, f"delta_scan('{folder}') {live}", types),
        }
    json.dump(counts, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
