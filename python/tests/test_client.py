"""The API without a lakehouse."""

from __future__ import annotations

import json

import pyarrow
import pytest
from conftest import SCALE, Tenant

import connectwise_etl as cw


@pytest.fixture
def client(shared: Tenant) -> cw.ConnectWiseClient:
    return cw.ConnectWiseClient(shared.config)


def test_a_list_is_read_to_its_end(shared: Tenant, client: cw.ConnectWiseClient) -> None:
    truth = {record["id"]: record for record in shared.truth("TimeEntry")}
    frame = client.extract("time/entries", page_size=70)
    rows = {row["id"]: row for row in frame.to_dicts()}
    assert rows.keys() == truth.keys() and len(frame) == SCALE == client.count("/time/entries")
    for key, record in truth.items():
        assert rows[key]["notes"] == record.get("notes")
        assert rows[key]["member"]["id"] == record["member"]["id"]
    # The columns are those of the interface document: the bronze table's, without what a load adds.
    bronze = {column["name"] for column in cw.schema("TimeEntry", "bronze")}
    assert set(frame.columns) - {"_rescued"} == {name for name in bronze if not name.startswith(("_", "etl"))} | {"_info"}


def test_what_is_asked_for_is_what_comes(shared: Tenant, client: cw.ConnectWiseClient) -> None:
    some = sorted(record["id"] for record in shared.truth("TimeEntry"))[:3]
    conditions = f"id in ({','.join(map(str, some))})"
    frame = client.extract("time/entries", conditions=conditions, fields=["id", "member/name"], order_by="id desc")
    assert [row["id"] for row in frame.to_dicts()] == some[::-1]
    assert frame.columns == ["id", "member", "_rescued"]
    assert client.count("time/entries", conditions) == 3
    assert len(client.extract("time/entries", limit=7)) == 7
    by_query = client.extract("time/entries", params={"conditions": conditions, "fields": "id"})
    assert sorted(row["id"] for row in by_query.to_dicts()) == some


def test_a_list_without_a_table_has_the_columns_of_its_records(shared: Tenant, client: cw.ConnectWiseClient) -> None:
    expected = shared.api("system/kpis?pageSize=1000")
    frame = client.extract("system/kpis")
    assert len(frame) == len(expected) > 0
    assert {name for record in expected for name in record} == set(frame.columns) - {"_rescued"}
    assert client.paginate("system/kpis") == expected


def test_records_are_the_json_of_the_api(shared: Tenant, client: cw.ConnectWiseClient) -> None:
    records = client.paginate("service/boards", "boards", page_size=2)
    expected = shared.api("service/boards?pageSize=1000")
    assert sorted(records, key=lambda record: record["id"]) == sorted(expected, key=lambda record: record["id"])
    assert len(client.paginate("time/entries", max_pages=2, page_size=50)) == 100
    assert len(client.extract("time/entries", max_pages=2, page_size=50)) == 100
    assert len(client.extract("time/entries", max_pages=2, page_size=50, limit=7)) == 7
    small = cw.ConnectWiseClient(shared.config, page_size=40)
    assert len(small.extract("time/entries", max_pages=3)) == len(small.paginate("time/entries", max_pages=3)) == 120
    first = shared.api("service/boards?pageSize=1")
    assert client.get("service/boards", {"pageSize": 1}).json() == first == client.get("/service/boards?pageSize=1").json()
    assert client.get(f"{client.base_url}/service/boards", {"pageSize": 1}).json() == first
    asked = client.get("time/entries", fields=["id", "member/name"], conditions="id > 3", order_by="id desc").json()
    assert asked[0].keys() == {"id", "member"} and [row["id"] for row in asked] == sorted((row["id"] for row in asked), reverse=True)
    assert min(row["id"] for row in client.get("time/entries", conditions="id > 3", order_by="id asc").json()) > 3
    with pytest.raises(cw.ConfigError):
        client.get("https://evil.example/v4_6_release/apis/3.0/service/boards")


def test_all_lists_are_read_or_those_that_are_named(shared: Tenant, client: cw.ConnectWiseClient) -> None:
    some = client.extract_all(["Board", "timeentry"], page_size=100)
    assert list(some) == ["Board", "TimeEntry"]
    for name, frame in some.items():
        assert sorted(row["id"] for row in frame.to_dicts()) == sorted(record["id"] for record in shared.truth(name))
    everything = client.extract_all()
    assert {"Agreement", "Company", "Member", "TimeEntry"} < everything.keys()
    for name in ("Agreement", "Company", "Invoice"):
        assert len(everything[name]) == shared.counted(name) > 0
    with pytest.raises(cw.ConfigError, match="TimeEntri"):
        client.extract_all("Board,TimeEntri")
    with pytest.raises(cw.ConfigError, match="BoardStatus is a child list"):
        client.extract_all("BoardStatus")


def test_records_are_written_and_read_back(tenant: Tenant) -> None:
    client = cw.ConnectWiseClient(tenant.config)
    made = client.post("company/companies", {"identifier": "Notebook", "name": "Notebook & Co", "site": {"name": "Main"}})
    assert made.status_code == 201 and "json" in made.headers["Content-Type"]
    key = made.json()["id"]
    assert tenant.api(f"company/companies/{key}")["name"] == "Notebook & Co"
    client.patch(f"/company/companies/{key}", [{"op": "replace", "path": "name", "value": "Þór"}])
    assert tenant.api(f"company/companies/{key}")["name"] == "Þór" == client.get(f"company/companies/{key}").json()["name"]
    client.patch(f"company/companies/{key}", json_data=[{"op": "replace", "path": "name", "value": "as of old"}])
    assert tenant.api(f"company/companies/{key}")["name"] == "as of old"
    with pytest.raises(cw.ConfigError, match="two names of the same"):
        client.put(f"company/companies/{key}", {"name": "one"}, json_data={"name": "two"})
    gone = client.delete(f"company/companies/{key}")
    assert (gone.status_code, gone.json(), gone.ok) == (204, None, True)
    with pytest.raises(cw.NotFoundError) as raised:
        client.get(f"company/companies/{key}")
    assert raised.value.status == 404 and isinstance(raised.value, cw.SourceError)


def test_errors_say_who_can_do_something(tenant: Tenant) -> None:
    quick = {**tenant.config, "CW_ATTEMPTS": "1"}
    client = cw.ConnectWiseClient(quick)
    with pytest.raises(cw.CredentialsError) as raised:
        cw.ConnectWiseClient({**quick, "CW_AUTH_PASSWORD": "geheim"}).extract("service/boards")
    assert raised.value.status == 401 and "geheim" not in str(raised.value)
    for status, kind in [(403, cw.ForbiddenError), (429, cw.RateLimitedError), (500, cw.SourceError)]:
        tenant.fault(path="/service/boards*", status=status, times=100)
        for call in (lambda: client.extract("service/boards"), lambda: client.get("service/boards")):
            with pytest.raises(kind):
                call()
        tenant.mend()
    for wrong in ("https://evil.example/v4_6_release/apis/3.0/service/boards", "service/boards?clientId=x", ""):
        with pytest.raises(cw.ConfigError):
            client.extract(wrong)
    for arguments in ({"page_size": 5000}, {"page_size": 0}, {"limit": 0}, {"limit": -1}, {"page_size": "many"}):
        with pytest.raises(cw.ConfigError, match=next(iter(arguments))):
            client.extract("service/boards", **arguments)
    with pytest.raises(cw.ConfigError, match="max_pages"):
        client.paginate("service/boards", max_pages=0)
    with pytest.raises(ValueError):
        client.post("service/boards", {"value": float("nan")})
    tenant.close()
    with pytest.raises(cw.UnreachableError) as unreachable:
        client.get("service/boards")
    assert unreachable.value.is_retryable and unreachable.value.status is None


def test_a_list_that_breaks_off_is_no_list(tenant: Tenant) -> None:
    tenant.fault(path="/time/entries", cut=True, nth=2, times=1000)
    client = cw.ConnectWiseClient({**tenant.config, "CW_ATTEMPTS": "1"})
    with pytest.raises(cw.ConnectWiseError):
        client.extract("time/entries", page_size=100)


def test_rows_of_the_client_are_arrow(client: cw.ConnectWiseClient) -> None:
    frame = client.extract("time/entries", fields="id,actualHours,timeStart")
    schema = pyarrow.table(frame).schema
    assert schema.field("timeStart").type == pyarrow.timestamp("us", "UTC")
    assert json.loads(json.dumps(frame.to_dicts()[0], default=str))["id"] > 0
