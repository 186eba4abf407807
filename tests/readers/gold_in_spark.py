"""Runs the models of the gold layer on Spark SQL (Sail, through Spark Connect) over the silver tables of a lakehouse, and
compares every row of every model with what the lakehouse holds.

    gold_in_spark.py LAKEHOUSE MODELS-FOLDER DAY TIME-ZONE RULES [ANSWERS]

The types of all columns, of the models' results and of the stored tables, are held against the contract of each model. DAY is
the day on which gold was built, and TIME-ZONE the configured one, which a Spark session substitutes for `${time_zone}` from its
setting of that name (Sail doesn't yet: here the text is replaced). RULES is "icelandic-msp" or "none", as agreements are classified. These
rules, custom fields and company types are worked out here again. Surrogate keys are those of the lakehouse: they are given once, and not by the models. ANSWERS is a JSON file with
saved questions, {"<question>": {"sql": text, "columns": [name, ...], "rows": [{...}, ...]}}, whose SELECTs are run, too.

Prints JSON: {"<model>": {"rows": n, "differences": [text, ...]}, "<layer>/<table>": {"rows": n}}. All tables of silver and gold are
counted, histories included. A question has its differences likewise, under its name.
"""

import datetime
import decimal
import json
import os
import pathlib
import re
import sys
import tomllib

import pyarrow
import pysail.spark
from pyspark.sql import SparkSession

ICELANDIC_MSP = [
    ("yþjónusta", "billable_service", "billable"),
    (r"tímapottur\s*:?", "prepaid_hours", "prepaid"),
    ("innri verkefni", "internal_project", "internal"),
    ("rekstrarþjónusta", "operations", "operations"),
    ("alrekstur", "operations", "operations"),
    ("hugbúnaðarþjónusta", "software_service", "billable"),
    ("office 365", "software_service", "billable"),
]
TECHNICAL = {"_etl_gold_processed_at": "timestamp", "_etl_source": "string", "_etl_batch_id": "string"}
SHOWN = 5


class Lakehouse:
    def __init__(self, spark, folder):
        self.spark, self.folder = spark, pathlib.Path(folder)

    def read(self, layer, table):
        return self.spark.read.format("delta").load(str(self.folder / layer / table))

    def register(self, layer, table):
        self.read(layer, table).createOrReplaceTempView(table)


def rows_of(frame):
    return [row.asDict() for row in frame.collect()]


def register(spark, name, schema, rows):
    # A frame of no rows is refused.
    columns = {field.name: [row[at] for row in rows or [[None] * len(schema)]] for at, field in enumerate(schema)}
    frame = spark.createDataFrame(pyarrow.table(columns, schema=schema))
    (frame if rows else frame.where("false")).createOrReplaceTempView(name)


def stale_on(house, day):
    """The last day that is followed by five business days up to and with `day`. Days beyond the calendar have no holidays."""
    known = {row["Date"]: row["isBusinessDay"] for row in rows_of(house.read("gold", "dimdate").select("Date", "isBusinessDay"))}
    count = 0
    while count < 5:
        count += known.get(day, day.weekday() < 5)
        day -= datetime.timedelta(days=1)
    return day


def register_small_tables(house, day, by_name):
    """What the runner works out of configuration and JSON texts."""
    spark = house.spark
    integer, text = pyarrow.int32(), pyarrow.string()
    names = set()
    for table, columns in [
        ("silver_cw_agreement", ["typeName"]),
        ("silver_cw_agreementtype", ["name"]),
        ("silver_cw_timeentry", ["agreementType", "agreementAgreementType"]),
        ("silver_cw_expenseentry", ["agreementType"]),
        ("silver_cw_productitem", ["agreementType"]),
        ("silver_cw_invoice", ["agreementType"]),
        ("silver_cw_serviceticket", ["agreementType", "agreementAgreementType"]),
        ("silver_cw_projectticket", ["agreementType", "agreementAgreementType"]),
    ]:
        for column in columns:
            found = rows_of(spark.sql(f"select distinct `{column}` as n from {table} where `{column}` is not null"))
            names.update(row["n"] for row in found)
    rules = []
    for name in sorted(names):
        for pattern, normalized, behavior in ICELANDIC_MSP if by_name else []:
            if re.search(pattern, name.strip().lower()):
                rules.append((name, normalized, behavior))
                break
    schema = [("typeName", text), ("agreement_type_normalized", text), ("agreement_billing_behavior", text)]
    register(spark, "agreement_type_rules", pyarrow.schema(schema), rules)
    register(spark, "agreement_classification", pyarrow.schema([("byName", pyarrow.bool_())]), [(by_name,)])

    numbers = []
    for row in rows_of(spark.sql("select id, customFields from silver_cw_agreement where customFields is not null")):
        for field in json.loads(row["customFields"]):
            value = field.get("value")
            value = str(value).strip() if isinstance(value, (str, int, float)) and not isinstance(value, bool) else ""
            if value:
                numbers.append((row["id"], value))
                break
    register(spark, "agreement_numbers", pyarrow.schema([("agreementId", integer), ("number", text)]), numbers)

    types = []
    for row in rows_of(spark.sql("select id, types from silver_cw_company where types is not null")):
        found = [one["name"].strip() for one in json.loads(row["types"]) if one.get("name")]
        if found:
            types.append((row["id"], ", ".join(found)))
    register(spark, "company_types", pyarrow.schema([("companyId", integer), ("companyType", text)]), types)
    days = pyarrow.schema([("asOf", pyarrow.date32()), ("staleOn", pyarrow.date32())])
    register(spark, "run_day", days, [(day, stale_on(house, day))])
    # Nothing is configured as time off by default.
    register(spark, "time_off", pyarrow.schema([("workType", text), ("chargeCodeId", integer)]), [])


def plain(value):
    if isinstance(value, decimal.Decimal):
        return f"{value:.4f}"
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.timezone.utc).isoformat()
    return value


def contract(model):
    """The types of the columns of a model's table as Spark calls them, without the technical ones."""
    columns = (column.rstrip("!").split(":") for column in model["columns"].split())
    return {name: "decimal(19,4)" if kind == "money" else kind for name, kind in columns}


def odd_types(frame, wanted, where):
    """What is odd about the columns of a frame: their names, their order or their types."""
    found = {field.name: field.dataType.simpleString() for field in frame.schema}
    if list(found) != list(wanted):
        return [f"the columns are {list(found)} {where}, and {list(wanted)} by contract"]
    return [f"{name} is {found[name]} {where}, and {kind} by contract" for name, kind in wanted.items() if found[name] != kind]


def differences(key, expected, found):
    """What differs between two lists of rows with the same columns."""
    index = {row[key]: row for row in expected}
    told = []
    if len(index) != len(expected):
        told.append(f"{key} is not unique in the lakehouse")
    for row in found:
        stored = index.pop(row[key], None)
        if stored is None:
            told.append(f"{key} {row[key]} is not in the lakehouse")
            continue
        for column, value in row.items():
            if plain(value) != plain(stored[column]):
                told.append(f"{key} {row[key]}: {column} is {value!r} on Spark, {stored[column]!r} in the lakehouse")
    told.extend(f"{key} {gone} is not on Spark" for gone in index)
    return told


def compare(house, model, sql):
    name = model["name"]
    stored = house.read("gold", name)
    found = house.spark.sql(sql)
    wanted = contract(model)
    odd = odd_types(stored, wanted | TECHNICAL, "in the lakehouse")
    if model["kind"] == "dimension":
        # Surrogate keys are the runner's.
        del wanted[model["key"]]
    odd += odd_types(found, wanted, "on Spark")
    if found.columns != list(wanted):
        return {"rows": 0, "differences": odd}
    key = model["natural"] if model["kind"] == "dimension" else model["key"]
    if model["kind"] == "dimension":
        # The unknown member is the runner's.
        stored = stored.where(stored[model["key"]] != -1)
    found = rows_of(found)
    told = odd + differences(key, rows_of(stored.select(*wanted)), found)
    return {"rows": len(found), "differences": told[:SHOWN] + ([f"{len(told)} in all"] if len(told) > SHOWN else [])}


def minutes_elsewhere(house, sql):
    """How long tickets were in their statuses, in a session of another zone than UTC: what elapsed is the same there."""
    def minutes(rows):
        return {row["TicketStatusSK"]: row["minutesInStatus"] for row in rows}

    stored = minutes(rows_of(house.read("gold", "fact_ticketstatus").select("TicketStatusSK", "minutesInStatus")))
    house.spark.conf.set("spark.sql.session.timeZone", "America/New_York")
    found = minutes(rows_of(house.spark.sql(sql).select("TicketStatusSK", "minutesInStatus")))
    house.spark.conf.set("spark.sql.session.timeZone", "UTC")
    odd = [f"{key} lasted {found.get(key)} minutes in a session of New York, {stored.get(key)} in the lakehouse"
           for key in stored.keys() | found.keys() if stored.get(key) != found.get(key)]
    return odd[:SHOWN]


def told(value):
    """A value of an answer: numbers with four places, whatever type they have."""
    if isinstance(value, (int, float, decimal.Decimal)) and not isinstance(value, bool):
        return f"{decimal.Decimal(str(value)):.4f}".replace("-0.0000", "0.0000")
    return value.isoformat() if isinstance(value, datetime.date) else value


def ask(house, answer):
    columns = answer["columns"]
    expected = sorted(repr([told(row.get(name)) for name in columns]) for row in answer["rows"])
    found = sorted(repr([told(row[name]) for name in columns]) for row in rows_of(house.spark.sql(answer["sql"])))
    differing = [f"{one} on Spark, {other} is the answer" for one, other in zip(found, expected) if one != other]
    if len(found) != len(expected):
        differing.append(f"{len(found)} rows on Spark, {len(expected)} in the answer")
    return {"rows": len(found), "differences": differing[:SHOWN]}


def in_order(folder):
    """The models: what the file of each says, and its SELECT; each behind those that it reads."""
    models = {}
    for file in sorted(folder.rglob("*.toml")):
        if file.parent != folder:
            select = file.with_suffix(".sql")
            sql = select.read_text() if select.exists() else ""
            models[file.stem] = {**tomllib.loads(file.read_text()), "name": file.stem, "sql": sql}
    named = {name: set(re.findall(r"\w+", re.sub("--.*", "", model["sql"]))) - {name} for name, model in models.items()}
    ordered = []
    while models:
        ready = [name for name in models if not named[name] & models.keys()]
        assert ready, f"models that read each other: {sorted(models)}"
        ordered.extend(models.pop(name) for name in ready)
    return ordered


def main(lakehouse, models, day, zone, rules, answers=None):
    server = pysail.spark.SparkConnectServer("127.0.0.1", 0)
    server.start(background=True)
    address = server.listening_address
    spark = SparkSession.builder.remote(f"sc://{address[0]}:{address[1]}").getOrCreate()
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    house = Lakehouse(spark, lakehouse)
    declared = in_order(pathlib.Path(models))
    results = {}
    for layer in ("silver", "gold"):
        for folder in sorted((house.folder / layer).iterdir()):
            results[f"{layer}/{folder.name}"] = {"rows": house.read(layer, folder.name).count()}
    for folder in sorted((house.folder / "silver").iterdir()):
        house.register("silver", folder.name)
    register_small_tables(house, datetime.date.fromisoformat(day), rules == "icelandic-msp")
    for model in declared:
        sql = model["sql"].replace("${time_zone}", zone)
        if model["kind"] in ("dimension", "fact"):
            results[model["name"]] = compare(house, model, sql)
            if model["name"] == "fact_ticketstatus":
                results[model["name"]]["differences"] += minutes_elsewhere(house, sql)
        elif model["kind"] == "calendar":
            # It is computed, and not selected.
            stored = house.read("gold", model["name"])
            odd = odd_types(stored, contract(model) | TECHNICAL, "in the lakehouse")
            results[model["name"]] = {"rows": stored.count(), "differences": odd}
        else:
            spark.sql(sql).createOrReplaceTempView(model["name"])
            continue
        house.register("gold", model["name"])
    for question, answer in json.loads(pathlib.Path(answers).read_text()).items() if answers else []:
        results[question] = ask(house, answer)
    json.dump(results, sys.stdout, ensure_ascii=False, indent=1)
    sys.stdout.flush()
    # The server's own end waits for its sessions, for minutes.
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
