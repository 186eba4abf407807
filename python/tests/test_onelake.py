"""Lakehouses in OneLake: tokens that end during a run, refusals, and two writers."""

from __future__ import annotations

import pathlib
import threading
import time
from collections.abc import Iterator
from typing import Any

import deltalake
import pyarrow
import pytest
from azurite import PROGRAM, Azurite
from conftest import Notebook, Tenant, rows, table
from onelake import Fault, Store, jwt

import connectwise_etl as cw

PLACE = "11111111-aaaa-4aaa-8aaa-111111111111/22222222-bbbb-4bbb-8bbb-222222222222/Tables"
URL = "abfss://{}@onelake.dfs.fabric.microsoft.com/{}".format(*PLACE.split("/", 1))
ENTITIES = ["Board", "Company", "TimeEntry"]


class Tokens:
    """Tokens that are good for some seconds, and how many were asked for."""

    def __init__(self, seconds: float, audience: str = "https://storage.azure.com") -> None:
        self.seconds, self.audience = seconds, audience
        self.given: list[str] = []

    def __call__(self) -> str:
        self.given.append(jwt(time.time() + self.seconds, self.audience))
        return self.given[-1]


@pytest.fixture(params=["own", "azurite"])
def store(request: pytest.FixtureRequest, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store of our own, and Azurite, behind TLS."""
    if request.param == "own":
        store = Store()
        store.serve()
    else:
        if not PROGRAM:
            pytest.skip("Azurite isn't here: CW_CLOUDS=1 python/test fetches it where npm is")
        (folder := tmp_path / "azurite").mkdir()
        store = Azurite(folder, PLACE.split("/")[0])
        # What the library of the stores trusts.
        monkeypatch.setenv("SSL_CERT_FILE", str(folder / "ca.pem"))
    yield store
    store.close()


def read(store: Store, name: str) -> pyarrow.Table:
    """A table as another reader of Delta tables sees it."""
    options = {**store.config, "bearer_token": jwt(time.time() + 3_600)}
    return pyarrow.table(deltalake.DeltaTable(f"{URL}/{name}", storage_options=options).to_pyarrow_table())


def test_a_notebook_loads_all_layers_while_its_tokens_end(
    notebook: Notebook, store: Store, shared: Tenant, lakehouse: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens, began = Tokens(8), time.monotonic()
    monkeypatch.setattr(notebook, "_token", lambda _: tokens())
    notebook.enter()
    config = {**shared.config, **store.config}
    report = cw.run(mode="full", config=config, progress=False)
    again = cw.run(config=config, progress=False)
    assert (report.outcome, again.outcome, report.failed + again.failed, store.refused) == ("done", "done", [], [])
    # Each is asked for once, by each of the two runs, and used for half of its seconds at least.
    assert store.tokens == set(tokens.given)
    assert 2 < len(tokens.given) <= 2 + (time.monotonic() - began) / 4
    tables = [folder.parent for folder in lakehouse.glob("*/*/_delta_log")]
    assert len(tables) > 100
    assert {"/".join(name.split("/")[3:5]) for name in store.names if "/_delta_log/" in name} == {
        "/".join(table.parts[-2:]) for table in tables
    }
    for name in ("bronze/bronze_cw_timeentry", "silver/silver_cw_company", "gold/fact_timeentry", "gold/dimdate"):
        local = table(lakehouse, name)
        assert local.num_rows > 0 and rows(read(store, name)) == rows(local), name


def test_a_function_that_fails_later_is_one_sentence(store: Store, shared: Tenant, caplog: pytest.LogCaptureFixture) -> None:
    first, secret = jwt(time.time() + 3_600), jwt(time.time() + 7_200)
    answers = iter([(first, time.time() + 0.2)])

    def token() -> tuple[str, float]:
        for answer in answers:
            return answer
        raise RuntimeError(f"the session has ended, and {secret} with it")

    with caplog.at_level("DEBUG", logger="connectwise_etl"), pytest.raises(cw.ConnectWiseError) as caught:
        cw.run(mode="full", lakehouse=URL, token=token, config={**shared.config, **store.config}, progress=False)
    said = "no token opens the lakehouse: RuntimeError: the session has ended, and <token> with it"
    assert said in str(caught.value)
    for text in (str(caught.value), caplog.text):
        assert first not in text and secret not in text


def test_a_function_that_raises_at_once_raises_what_it_raises(store: Store) -> None:
    def token() -> str:
        raise KeyError("nobody is logged in")

    with pytest.raises(KeyError, match="nobody is logged in"):
        cw.status(lakehouse=URL, token=token, config=store.config)
    for nothing in (None, "", 7, ("", 1)):
        with pytest.raises(cw.ConfigError, match="token is a function that returns a token"):
            cw.status(lakehouse=URL, token=lambda: nothing, config=store.config)  # type: ignore[arg-type, return-value]
    assert store.requests == 0


def test_a_folder_asks_for_no_token(tmp_path: pathlib.Path) -> None:
    tokens = Tokens(8)
    cw.status(lakehouse=tmp_path / "lake", token=tokens)
    assert tokens.given == []


def test_without_credentials_nobody_is_asked(store: Store, shared: Tenant) -> None:
    began = time.monotonic()
    with pytest.raises(cw.ConfigError, match="nothing says who opens .*AZURE_CLIENT_ID, AZURE_CLIENT_SECRET and AZURE_TENANT_ID"):
        cw.run(lakehouse=URL, config={**shared.config, **store.config}, progress=False)
    # A request to the metadata service of a virtual machine, which doesn't answer here, would take longer.
    assert store.requests == 0 and time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("audience", "fault", "said"),
    [
        ("https://graph.microsoft.com", None, r"the store answers 40[13] \w+ \((InvalidAuthenticationInfo|AuthenticationFailed)\): .*another audience"),
        ("https://storage.azure.com", Fault(403, "AuthorizationPermissionMismatch"), r"the store answers 403 Forbidden \(Authorization"),
        ("https://storage.azure.com", Fault(412, "ConditionNotMet", "PUT", "_delta_log"), r"the store answers 412 .*\(ConditionNotMet\)"),
    ],
)
def test_a_refusal_is_one_sentence(store: Store, shared: Tenant, audience: str, fault: Fault | None, said: str) -> None:
    store.faults = [fault] if fault else []
    tokens = Tokens(3_600, audience)
    with pytest.raises(cw.ConnectWiseError, match=said) as caught:
        cw.run("bronze", entities="Board", lakehouse=URL, token=tokens, config={**shared.config, **store.config}, progress=False)
    assert "\n" not in str(caught.value) and "eyJ" not in str(caught.value) and "127.0.0.1" not in str(caught.value)


def test_a_store_that_fails_for_a_while_fails_no_run(store: Store, shared: Tenant) -> None:
    store.faults = [
        Fault(503, "ServerBusy", "PUT", "/bronze_cw_board/", 2),
        Fault(429, "TooManyRequests", "GET", "/bronze_cw_company", 2),
        Fault(500, "InternalError", "PUT", "/silver_cw_company/_delta_log", 1),
    ]
    asked: dict[str, Any] = {"lakehouse": URL, "token": Tokens(8), "config": {**shared.config, **store.config}}
    report = cw.run(["bronze", "silver"], entities=ENTITIES, progress=False, **asked)
    assert report.outcome == "done" and all(fault.times < times for fault, times in zip(store.faults, (2, 2, 1), strict=True))
    assert read(store, "silver/silver_cw_company").num_rows == shared.counted("Company")


def test_two_writers_at_once_lose_nothing(store: Store, tenant: Tenant) -> None:
    asked: dict[str, Any] = {"entities": ENTITIES, "lakehouse": URL, "config": {**tenant.config, **store.config}, "progress": False}
    for modes in (("full", "incremental"), ("incremental", "incremental"), ("incremental", "full")):
        ended: list[Any] = []

        def load(mode: Any, ended: list[Any] = ended) -> None:
            try:
                ended.append(cw.run(["bronze", "silver"], mode, token=Tokens(8), **asked).outcome)
            except Exception as error:
                ended.append(error)

        both = [threading.Thread(target=load, args=(mode,)) for mode in modes]
        for one in both:
            one.start()
        for one in both:
            one.join()
        assert ended == ["done", "done"], modes
        cw.reconcile(["Company", "TimeEntry"], token=Tokens(8), **{name: asked[name] for name in ("lakehouse", "config")})
        for entity in ENTITIES:
            truth = {record["id"] for record in tenant.truth(entity)}
            ids = read(store, f"bronze/bronze_cw_{entity.lower()}")["id"].to_pylist()
            assert len(ids) == len(set(ids)) and set(ids) == truth, (modes, entity)
        tenant.ask("/_sim/advance", {"days": 1})
    assert store.refused == []


def test_a_flat_lakehouse_has_the_same_tables_without_layers(store: Store, shared: Tenant) -> None:
    config = {**shared.config, **store.config, "CW_LAYOUT": "flat"}
    asked: dict[str, Any] = {"lakehouse": URL, "token": Tokens(3_600), "config": config}
    assert cw.run(["bronze", "silver"], entities=ENTITIES, progress=False, **asked).outcome == "done"
    assert read(store, "silver_cw_company").num_rows == read(store, "bronze_cw_company").num_rows == shared.counted("Company")
    assert len(cw.query("select * from silver_cw_company", **asked)) == shared.counted("Company")
    assert not any(f"/{layer}/" in name for name in store.names for layer in ("bronze", "silver", "gold", "etl"))
    with pytest.raises(cw.ConfigError, match='there is no layout "tables"'):
        cw.status(lakehouse=URL, config={**config, "CW_LAYOUT": "tables"})
