#!/usr/bin/env python3
"""Measures gold: a full build against DuckDB with the same SELECTs over the same Parquet files, and an incremental build
after 1 % of the time entries changed.

    python3 -m venv venv && venv/bin/pip install duckdb==1.5.5 duckdb-extension-delta==1.5.5 deltalake==1.6.6 pyarrow==26.0.1
    venv/bin/python bench/gold/gold.py --program target/release/connectwise-etl --rows 10000000 --folder /tmp/gold-bench

The silver tables are those of `connectwise-etl demo`, laid end to end with new ids until there are enough rows. Wall and CPU
seconds and the peak of memory are those of the operating system for the whole process, start and end included.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import tomllib

import deltalake
import duckdb
import pyarrow

MODELS = pathlib.Path(__file__).resolve().parents[2] / "etl" / "pipeline" / "models"
# Columns that refer to a row of a table that grows, by table.
GROWING = {
    "timeentry": ["id", "invoiceId", "ticketId", "timeSheetId"],
    "expenseentry": ["id", "invoiceId", "ticketId"],
    "productitem": ["id", "invoiceId", "ticketId"],
    "invoice": ["id"],
    "unpostedinvoice": ["id", "billingLogId"],
    "serviceticket": ["id", "parentTicketId", "mergedParentTicketId"],
    "serviceticket_history": ["id"],
    "projectticket": ["id"],
    "projectticket_history": ["id"],
    "timesheet": ["id"],
    "surveyresult": ["id", "ticketId"],
}
STEP = 1_000_000  # no id of the small tenant is as high
# Ids of versions, which are numbers of 64 bits.
VERSIONS = {"serviceticket_history": "historyKey", "projectticket_history": "historyKey"}
FILE_BYTES = 16 * 1024 * 1024
# Commits that look like those of a run: gold takes no rows of a table that another writer changed.
AS_A_RUN = deltalake.CommitProperties(custom_metadata={"etlRunId": "bench"})


def models():
    """The built-in models as (path, metadata, SELECT), each after what it reads."""
    listed = (MODELS.parent / "src" / "gold" / "files.rs").read_text()
    for path in re.findall(r'^    "((?:staging|intermediate|marts)/\w+)"', listed, re.MULTILINE):
        select = MODELS / f"{path}.sql"
        yield path.split("/")[1], tomllib.loads((MODELS / f"{path}.toml").read_text()), select.read_text() if select.exists() else ""


def tables_read():
    """Silver tables that models read."""
    return sorted({name for _, _, sql in models() for name in re.findall(r"silver_cw_(\w+)", sql)})


def connect():
    connection = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    import duckdb_extension_delta

    (extension,) = pathlib.Path(duckdb_extension_delta.__file__).parent.rglob("delta.duckdb_extension")
    connection.execute(f"load '{extension}'")
    return connection


def measured(command):
    """Runs a command; wall and CPU seconds, and peak memory in MB."""
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    out, err = process.stdout.read(), process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - started
    if status != 0:
        sys.exit(f"{command} failed:\n{out[-3000:]}\n{err[-3000:]}")
    return out, {
        "wall": round(wall, 1),
        "cpu": round(usage.ru_utime + usage.ru_stime, 1),
        "peak_mb": round(usage.ru_maxrss / 1024),
    }


def grow(small, big, rows):
    """Lays the small tenant's tables end to end."""
    connection = connect()
    for table in tables_read():
        source = small / "silver" / f"silver_cw_{table}"
        target = big / "silver" / f"silver_cw_{table}"
        schema = pyarrow.schema(deltalake.DeltaTable(str(source)).schema().to_arrow())
        growing = GROWING.get(table, [])
        def column(name):
            if name in growing:
                return f'cast(t."{name}" + r.n * {STEP} as integer) as "{name}"'
            return f't."{name}" + r.n * {STEP} as "{name}"' if name == VERSIONS.get(table) else f't."{name}"'

        columns = ", ".join(column(name) for name in schema.names)
        times = 1
        if growing:
            (entries,) = connection.execute(
                f"select count(*) from delta_scan('{small / 'silver' / 'silver_cw_timeentry'}')"
            ).fetchone()
            times = -(-rows // entries)
        if times * STEP > 2**31:
            sys.exit(f"{times} times the small tenant has no room in 32-bit ids: make the small one larger (--small)")
        connection.execute(f"create or replace temp table small as select * from delta_scan('{source}')")
        # Ids rise, as they do in a table that was loaded by id.
        parts = (
            connection.execute(f"select {columns} from small t, (select {n} as n) r order by t.id").to_arrow_table().cast(schema)
            for n in range(times)
        )
        reader = pyarrow.RecordBatchReader.from_batches(schema, (batch for part in parts for batch in part.to_batches()))
        deltalake.write_deltalake(str(target), reader, target_file_size=FILE_BYTES, commit_properties=AS_A_RUN)
        print(f"{target.name}: {times} times", file=sys.stderr)


def change(big, share):
    """Edits the newest share of the time entries, as a day's work does, and a few old ones."""
    path = str(big / "silver" / "silver_cw_timeentry")
    table = deltalake.DeltaTable(path)
    connection = connect()
    total, low = connection.execute(
        f"select count(*), quantile_disc(id, {1 - share}) from delta_scan('{path}')"
    ).fetchone()
    rows = connection.execute(
        f"""select * replace (
                cast(coalesce(actualHours, 0) + 0.25 as decimal(19, 4)) as actualHours, 'Billed' as status,
                _etl_content_hash + 1 as _etl_content_hash)
            from delta_scan('{path}') where id > {low}"""
    ).to_arrow_table()
    merge = table.merge(
        rows, f"target.id = source.id and target.id > {low}", source_alias="source", target_alias="target",
        commit_properties=AS_A_RUN,
    )
    merge.when_matched_update_all().execute()
    return total, rows.num_rows


def in_duckdb(sql):
    sql = re.sub(r"--.*", "", sql).replace("`", '"')
    sql = re.sub(r"sha2\((.*?),\s*256\s*\)", r"sha256(\1)", sql, flags=re.DOTALL)
    # The default time zone: what clocks show there is the instant itself.
    sql = re.sub(r"from_utc_timestamp\((.*?), '\$\{time_zone\}'\)", r"\1", sql)
    return sql.replace("left anti join", "anti join").replace("left semi join", "semi join")


def peer(big, out, day):
    """The same SELECTs in DuckDB, tables written as Parquet files."""
    connection = connect()
    connection.execute("set timezone = 'UTC'")
    connection.execute(f"set temp_directory = '{out}/spill'")
    connection.execute("set preserve_insertion_order = false")
    for table in tables_read():
        files = deltalake.DeltaTable(str(big / "silver" / f"silver_cw_{table}")).file_uris()
        connection.execute(f"create view silver_cw_{table} as select * from read_parquet({files!r})")
    connection.execute("create macro datediff(later, earlier) as date_diff('day', earlier, later)")
    connection.execute("create macro unix_seconds(instant) as cast(epoch(instant) as bigint)")
    connection.execute("create macro date_add(start, days) as start + cast(days as int)")
    connection.execute("create macro add_months(start, months) as cast(start + to_months(cast(months as int)) as date)")
    # Five business days are a week, holidays aside.
    connection.execute(f"create table run_day as select date '{day}' as asOf, date '{day}' - 7 as staleOn")
    connection.execute("create table time_off (workType text, chargeCodeId int)")
    connection.execute("create table agreement_classification as select false as byName")
    gold = big / "gold"
    connection.execute(
        "create table agreement_type_rules (typeName text, agreement_type_normalized text, agreement_billing_behavior text)"
    )
    # What the program makes of JSON texts; here taken from what it wrote, which favours DuckDB.
    connection.execute(
        f"create table agreement_numbers as select agreementId, number from delta_scan('{gold}/dimagreement') where number is not null"
    )
    connection.execute(f"create table company_types as select companyId, companyType from delta_scan('{gold}/dimcompany')")
    connection.execute(f"create table dimdate as select * from delta_scan('{gold}/dimdate')")
    for name, model, sql in models():
        kind = model["kind"]
        if kind == "calendar":
            continue
        sql = in_duckdb(sql)
        if kind in ("view", "lookup", "aggregate"):
            connection.execute(f"create {'view' if kind == 'view' else 'table'} {name} as {sql}")
        elif kind == "dimension":
            connection.execute(f'create table {name} as select row_number() over () as "{model["key"]}", d.* from ({sql}) d')
        else:
            connection.execute(f"copy ({sql}) to '{out}/{name}.parquet' (format parquet, compression snappy)")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--program", required=True)
    options.add_argument("--rows", type=int, default=10_000_000)
    options.add_argument("--small", type=int, default=100_000, help="time entries of the small tenant")
    options.add_argument("--share", type=float, default=0.01)
    options.add_argument("--folder", type=pathlib.Path, required=True)
    options.add_argument("--peer", action="store_true", help=argparse.SUPPRESS)
    options = options.parse_args()
    small, big, out = (options.folder / name for name in ("small", "big", "duckdb"))
    out.mkdir(parents=True, exist_ok=True)
    day = time.strftime("%Y-%m-%d", time.gmtime())
    if options.peer:
        return peer(big, out, day)
    if not (small / "gold").is_dir():
        measured([options.program, "demo", "--scale", str(options.small), "--lakehouse", str(small)])
    if not (big / "silver").is_dir():
        grow(small, big, options.rows)
    results = {}
    for folder in ("gold", "etl"):
        shutil.rmtree(big / folder, ignore_errors=True)
    # The ledger tells whose lakehouse it is. What gold remembers of other tables isn't taken along.
    shutil.copytree(small / "etl", big / "etl", ignore=shutil.ignore_patterns("gold_*"))
    gold = [options.program, "run", "--layers", "gold", "--json", "--lakehouse", str(big), "--mode"]
    text, results["full"] = measured([*gold, "full"])
    results["full"]["tables"] = {step["table"]: round(step["seconds"], 1) for step in json.loads(text)["steps"]}
    _, results["duckdb"] = measured([sys.executable, __file__, "--peer", "--program", options.program, "--folder", str(options.folder)])
    results["rows"], results["changed"] = change(big, options.share)
    text, results["incremental"] = measured([*gold, "incremental"])
    results["incremental"]["tables"] = {step["table"]: round(step["seconds"], 1) for step in json.loads(text)["steps"]}
    results["full_to_duckdb"] = round(results["full"]["wall"] / results["duckdb"]["wall"], 2)
    results["incremental_to_full"] = round(results["incremental"]["wall"] / results["full"]["wall"], 3)
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
