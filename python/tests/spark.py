"""Frames as Spark's, on Sail: run by `python/test` in the environment of the Spark tests, where that is there."""

import datetime
import os
import tempfile

import pyspark
import pysail.spark
from pyspark.sql import SparkSession
from readme import ROOT, chapter, python

import connectwise_etl as cw
from connectwise_etl import transforms


def rows(frame, key="id"):
    """The rows of a frame of Spark's as `to_dicts` has them, in the order of a key."""
    return sorted((plain(row.asDict(recursive=True)) for row in frame.collect()), key=lambda row: row[key])


def plain(value):
    """The same value, whichever library made it: an instant has its zone, and a map is a dictionary."""
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.timezone.utc)
    if isinstance(value, dict):
        # A map without entries is a list without pairs to pyarrow.
        return {name: plain(one) for name, one in value.items()} or []
    if isinstance(value, list):
        pairs = bool(value) and all(isinstance(one, tuple) for one in value)
        return {name: plain(one) for name, one in value} if pairs else [plain(one) for one in value]
    return value


def types(frame):
    return {field.name: field.dataType.simpleString() for field in frame.schema}


server = pysail.spark.SparkConnectServer("127.0.0.1", 0)
server.start(background=True)
address = server.listening_address
spark = SparkSession.builder.remote(f"sc://{address[0]}:{address[1]}").getOrCreate()
spark.conf.set("spark.sql.session.timeZone", "UTC")

with cw.Simulator(scale=50) as tenant:
    client = cw.ConnectWiseClient(tenant.config)
    frame = client.extract("time/entries", returns="frame")
    # As calls of an earlier package expect: the session is found where a notebook has it.
    extracted = rows(client.extract("time/entries"))
    handed = rows(cw.ConnectWiseClient(tenant.config, spark=spark).extract("time/entries"))
    expected = sorted(map(plain, frame.to_dicts()), key=lambda row: row["id"])
    empty = client.extract("time/entries", conditions="id < 0", returns="frame")
assert len(expected) == 50 and extracted == handed == expected
for version in (pyspark.__version__, "3.5.5"):
    # The way of 3.5 works in 4, too.
    pyspark.__version__ = version
    found = frame.to_spark(spark)
    assert found.columns == frame.columns, version
    assert types(found)["timeStart"] == "timestamp" and types(found)["actualHours"] == frame.dtypes["actualHours"], types(found)
    assert rows(found) == expected, version
    assert types(empty.to_spark(spark)) == types(found) and empty.to_spark(spark).count() == 0, version

# README's lines.
with cw.Simulator(scale=50) as tenant, tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    os.environ.update(tenant.config)
    names = {"spark": spark}
    (block,) = chapter("With Spark")
    exec(block, names)
    facts = rows(names["facts"], "timeEntryId")
    expected = cw.query("select * from fact_timeentry order by timeEntryId", lakehouse="lakehouse").to_dicts()
    assert len(facts) == 50 and facts == [plain(row) for row in expected]
    (hours,) = spark.sql("select sum(hours) as hours from hours_by_company").collect()
    assert hours["hours"] == sum(row["actualHours"] for row in expected)
    assert names["entries"].count() == 50 and names["entries"].columns == ["id", "actualHours", "_rescued"]
    assert len(names["boards"]) == cw.ConnectWiseClient().count("service/boards")
    # Transforms give the same rows whichever library's frames they take.
    silver = {name: cw.query(f"select * from silver_cw_{name}", lakehouse="lakehouse") for name in ("timeentry", "agreement", "member")}
    expected = transforms.create_time_entry_fact(None, *silver.values())
    handed = [frame.to_spark(spark) for frame in silver.values()]
    for session in (spark, None):
        computed = transforms.create_time_entry_fact(session, *handed)
        assert types(computed)["actualHours"] == "decimal(19,4)" and types(computed)["timeStart"] == "timestamp", types(computed)
        assert rows(computed, "timeEntryId") == [plain(row) for row in expected.to_dicts()] != []
    # The way of 3.5, which has none to Arrow.
    known = [frame.select(*[name for name in frame.columns if name in ("id", "timeStart", "hourlyCost", "date")]) for frame in handed]
    for frame in known:
        assert transforms._collected(frame).sort_by("id").to_pylist() == frame.toArrow().sort_by("id").to_pylist() != []
    # The lines of the package's own README: a notebook's, with the vault, the SQL endpoint and the pipeline of a notebook left out.
    os.environ["CW_LAKEHOUSE"] = "fabric"
    ended = []
    cw.fabric.secret = lambda vault, name: tenant.config[name.replace("-", "_")]
    cw.fabric.refresh_sql_endpoint = lambda: None
    cw.fabric.exit_with = ended.append
    _, block = python((ROOT / "python/README.md").read_text(encoding="utf-8"))
    exec(block, {"spark": spark})
    assert [report.outcome for report in ended] == ["done"] and ended[0]["mode"] == "full", ended
    found = cw.query("select * from fact_timeentry order by timeEntryId").to_arrow().drop_columns(["_etl_gold_processed_at", "_etl_batch_id"])
    expected = cw.query("select * from fact_timeentry order by timeEntryId", lakehouse="lakehouse").to_arrow()
    assert found == expected.drop_columns(["_etl_gold_processed_at", "_etl_batch_id"])
    del os.environ["CW_LAKEHOUSE"]
    os.chdir("/")
print("frames are Spark's", flush=True)
# The server's own end waits for its sessions, for minutes.
os._exit(0)
