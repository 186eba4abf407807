"""Lakehouses on S3 and on Google Cloud Storage."""

from __future__ import annotations

import os
import pathlib
import re
import threading
from collections.abc import Iterator
from typing import Any

import deltalake
import pyarrow
import pytest
from clouds import S3, Fault, Gcs
from conftest import Tenant, rows, table

import connectwise_etl as cw

pytestmark = pytest.mark.skipif(not os.environ.get("CW_CLOUDS"), reason="loads on each store take minutes: CW_CLOUDS=1 asks for them")

ENTITIES = ["Board", "Company", "TimeEntry"]
COMMIT = re.compile(r"/_delta_log/\d{20}\.json$")


@pytest.fixture(params=[S3, Gcs])
def cloud(request: pytest.FixtureRequest) -> Iterator[S3]:
    cloud: S3 = request.param()
    yield cloud
    cloud.close()


@pytest.fixture
def s3() -> Iterator[S3]:
    s3 = S3()
    yield s3
    s3.close()


def read(cloud: S3, name: str) -> pyarrow.Table:
    """A table as another reader of Delta tables sees it."""
    return pyarrow.table(deltalake.DeltaTable(f"{cloud.url}/{name}", storage_options=cloud.config).to_pyarrow_table())


def commits(names: list[str]) -> list[str]:
    """The commits among objects, without those of the ledger, to which each run adds."""
    return sorted(name for name in names if COMMIT.search(name) and "etl/" not in name)


def test_all_layers_are_those_of_a_folder(cloud: S3, shared: Tenant, lakehouse: pathlib.Path) -> None:
    config = {**shared.config, **cloud.config}
    report = cw.run(mode="full", lakehouse=cloud.url, config=config, progress=False)
    assert (report.outcome, report.failed) == ("done", [])
    names = sorted("/".join(folder.parent.parts[-2:]) for folder in lakehouse.glob("*/*/_delta_log"))
    assert len(names) > 100 and sorted({name.split("/_delta_log/")[0] for name in cloud.objects if "/_delta_log/" in name}) == names
    for name in names:
        if not name.startswith("etl/"):
            here, there = table(lakehouse, name), read(cloud, name)
            assert there.schema.equals(here.schema) and rows(there) == rows(here), name
    before = commits(cloud.objects)
    again = cw.run(lakehouse=cloud.url, config=config, progress=False)
    assert (again.outcome, again.failed, commits(cloud.objects)) == ("done", [], before)
    hours = "select sum(actualHours) as hours from fact_timeentry"
    assert cw.query(hours, lakehouse=cloud.url, config=config).to_dicts() == cw.query(hours, lakehouse=lakehouse).to_dicts()


def test_two_writers_at_once_lose_nothing(cloud: S3, tenant: Tenant) -> None:
    asked: dict[str, Any] = {"lakehouse": cloud.url, "config": {**tenant.config, **cloud.config}}
    for modes in (("full", "incremental"), ("incremental", "incremental"), ("incremental", "full")):
        ended: list[Any] = []

        def load(mode: Any, ended: list[Any] = ended) -> None:
            try:
                ended.append(cw.run(["bronze", "silver"], mode, entities=ENTITIES, progress=False, **asked).outcome)
            except Exception as error:
                ended.append(error)

        both = [threading.Thread(target=load, args=(mode,)) for mode in modes]
        for one in both:
            one.start()
        for one in both:
            one.join()
        assert ended == ["done", "done"], modes
        cw.reconcile(["Company", "TimeEntry"], **asked)
        for entity in ENTITIES:
            truth = {record["id"] for record in tenant.truth(entity)}
            ids = read(cloud, f"bronze/bronze_cw_{entity.lower()}")["id"].to_pylist()
            assert len(ids) == len(set(ids)) and set(ids) == truth, (modes, entity)
        tenant.ask("/_sim/advance", {"days": 1})
    written = [name for name in cloud.written if COMMIT.search(name)]
    assert len(written) == len(set(written)) > 20, "a commit took the place of another one"
    assert any(COMMIT.search(name) for name in cloud.overtaken), "both wrote at once, and nobody came second"


def test_a_store_that_fails_for_a_while_fails_no_run(cloud: S3, shared: Tenant) -> None:
    cloud.faults = [
        Fault("503 Slow Down", "SlowDown", "PUT", "/bronze_cw_board/", 2),
        Fault("429 Too Many Requests", "TooManyRequests", "GET", "/bronze_cw_company", 2),
        Fault("500 Internal Server Error", "InternalError", "PUT", "/silver_cw_company/_delta_log", 1),
    ]
    config = {**shared.config, **cloud.config}
    report = cw.run(["bronze", "silver"], entities=ENTITIES, lakehouse=cloud.url, config=config, progress=False)
    assert report.outcome == "done" and [fault.times for fault in cloud.faults] == [0, 0, 0]
    assert read(cloud, "silver/silver_cw_company").num_rows == shared.counted("Company")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault("401 Unauthorized", "AuthenticationRequired"), r"the store answers 401 Unauthorized \(AuthenticationRequired\): it doesn't take"),
        (Fault("403 Forbidden", "AccessDenied"), r"the store answers 403 Forbidden \(AccessDenied\): its owner gives"),
    ],
)
def test_a_refusal_is_one_sentence(cloud: S3, shared: Tenant, fault: Fault, said: str) -> None:
    cloud.faults = [fault]
    assert_refused(cloud, shared, said)


def test_a_bucket_that_is_not_there_is_one_sentence(cloud: S3, shared: Tenant) -> None:
    cloud.bucket = "another"
    assert_refused(cloud, shared, r"the store answers 404 Not Found \(NoSuchBucket\): there is no bucket of this name")


def test_wrong_keys_and_missing_rights_are_one_sentence(s3: S3, shared: Tenant) -> None:
    key = s3.key
    s3.key = {**key, "AWS_SECRET_ACCESS_KEY": "geheim"}
    assert_refused(s3, shared, r"403 Forbidden \(SignatureDoesNotMatch\): it doesn't take the credentials: they are wrong, or have ended")
    s3.key = {**key, "AWS_ACCESS_KEY_ID": "AKIANOBODY"}
    assert_refused(s3, shared, r"403 Forbidden \(InvalidAccessKeyId\): it doesn't take the credentials")
    s3.key = s3.user("s3:ListBucket")
    assert_refused(s3, shared, r"403 Forbidden \(AccessDenied\): its owner gives these credentials no right to that")


def test_a_store_without_conditions_is_refused_before_anything_is_written(s3: S3, shared: Tenant) -> None:
    s3.is_old = True
    with pytest.raises(cw.ConnectWiseError, match=r"the store of s3://.* doesn't know conditions .* two runs at once would lose rows"):
        cw.run("bronze", entities="Board", lakehouse=s3.url, config={**shared.config, **s3.config}, progress=False)
    assert s3.objects == []


def assert_refused(cloud: S3, shared: Tenant, said: str) -> None:
    with pytest.raises(cw.ConnectWiseError, match=said) as caught:
        cw.run("bronze", entities="Board", lakehouse=cloud.url, config={**shared.config, **cloud.config}, progress=False)
    shown = str(caught.value)
    assert not any(part in shown for part in ("\n", "127.0.0.1", "geheim", "As was asked for"))
    assert cloud.written == []


@pytest.mark.parametrize(
    ("url", "variables"),
    [
        ("s3://bucket/lake", "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
        ("gs://bucket/lake", "GOOGLE_APPLICATION_CREDENTIALS or GOOGLE_SERVICE_ACCOUNT"),
    ],
)
def test_without_credentials_nobody_is_asked(shared: Tenant, url: str, variables: str) -> None:
    with pytest.raises(cw.ConfigError, match=f"nothing says who opens {url}/: set {variables}"):
        cw.run(lakehouse=url, config=shared.config, progress=False)
    with pytest.raises(cw.ConfigError, match="a function that gives tokens opens Azure's stores alone"):
        cw.status(lakehouse=url, token=lambda: "token")
