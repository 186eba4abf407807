"""Notebooks of Fabric, with a `notebookutils` that says what its documentation says, and a OneLake that only listens."""

from __future__ import annotations

import http.server
import json
import pathlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from conftest import SCALE, Notebook, Rest, Tenant, table
from onelake import jwt

import connectwise_etl as cw
from connectwise_etl import _native, fabric, settings

WORKSPACE, LAKEHOUSE = "11111111-aaaa-4aaa-8aaa-111111111111", "22222222-bbbb-4bbb-8bbb-222222222222"
ATTACHED = f"abfss://{WORKSPACE}@onelake.dfs.fabric.microsoft.com/{LAKEHOUSE}/Tables"


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What the compiled part is given, call by call."""
    calls: list[tuple[Any, ...]] = []
    session: Any = _native.Session

    def spy(*arguments: Any) -> Any:
        calls.append(arguments)
        return session(*arguments)

    monkeypatch.setattr(_native, "Session", spy)
    return calls


def test_elsewhere_it_says_so(notebook: Notebook, tmp_path: pathlib.Path) -> None:
    notebook.leave()
    assert fabric.context() is None
    calls: list[Callable[[], str]] = [fabric.lakehouse_url, fabric.token, lambda: fabric.secret("https://vault", "name")]
    for call in calls:
        with pytest.raises(cw.ConfigError, match="Microsoft Fabric only, and this is none"):
            call()
    assert settings.session().lakehouse == f"{(tmp_path / 'lakehouse').as_uri()}/"
    # A folder of this name is a folder there.
    assert settings.session("/lakehouse/default").lakehouse == "file:///lakehouse/default/"


def test_the_module_without_a_notebook_behind_it_is_none(notebook: Notebook) -> None:
    notebook.context.clear()
    assert fabric.context() is None


def test_the_context_says_where_the_notebook_is(notebook: Notebook) -> None:
    here = fabric.context()
    assert here is not None and (here.workspace_id, here.workspace_name) == (WORKSPACE, "Reports")
    assert (here.lakehouse_id, here.lakehouse_name, here.lakehouse_workspace_id) == (LAKEHOUSE, "Service", WORKSPACE)
    assert not here.is_pipeline
    notebook.context["isForPipeline"] = True
    pipeline = fabric.context()
    assert pipeline is not None and pipeline.is_pipeline


def test_the_attached_lakehouse_is_the_default_one(notebook: Notebook, given: list[tuple[Any, ...]]) -> None:
    for place in (None, "/lakehouse/default", pathlib.Path("/lakehouse/default/Tables"), "/lakehouse/default/Tables/", "Tables/"):
        assert settings.session(place).lakehouse == f"{ATTACHED}/", place
        assert given[-1][4]() == (notebook.token, None)
    assert settings.session(config={"CW_LAKEHOUSE": "/lakehouse/default"}).lakehouse == f"{ATTACHED}/"
    for elsewhere in ("/lakehouse/default/Files/cw", "/lakehouse/other"):
        with pytest.raises(cw.ConfigError, match="fabric.lakehouse_url"):
            settings.session(elsewhere)


def test_a_lakehouse_of_another_workspace_is_that_one(notebook: Notebook) -> None:
    notebook.context["defaultLakehouseWorkspaceId"] = "33333333-cccc-4ccc-8ccc-333333333333"
    assert "abfss://33333333-cccc-4ccc-8ccc-333333333333@" in settings.session().lakehouse


def test_what_is_said_counts_more_than_what_is_attached(
    notebook: Notebook, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = f"{(tmp_path / 'mine').as_uri()}/"
    assert settings.session(tmp_path / "mine").lakehouse == mine
    assert settings.session("lakehouse").lakehouse == f"{(tmp_path / 'lakehouse').as_uri()}/"
    assert settings.session(config={"CW_LAKEHOUSE": "mine"}).lakehouse == mine
    (tmp_path / "connectwise-etl.toml").write_text('lakehouse = "mine"\n')
    assert settings.session().lakehouse == mine
    (tmp_path / "connectwise-etl.toml").unlink()
    monkeypatch.setenv("CW_LAKEHOUSE", "mine")
    assert settings.session().lakehouse == mine
    assert notebook.asked == []


def test_whoever_has_credentials_needs_no_token(
    notebook: Notebook, given: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Fabric has some of this beginning itself.
    monkeypatch.setenv("AZURE_SERVICE", "Microsoft.ProjectArcadia")
    settings.session()
    assert notebook.asked == ["storage"]
    settings.session(config={"AZURE_STORAGE_TOKEN": "mine"})
    assert given[-1][2] == {"AZURE_STORAGE_TOKEN": "mine"} and given[-1][4] is None
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "geheim")
    assert settings.session().lakehouse == f"{ATTACHED}/"
    assert notebook.asked == ["storage"]


def test_without_an_attached_lakehouse_nothing_is_guessed(notebook: Notebook, tmp_path: pathlib.Path) -> None:
    notebook.context.update(defaultLakehouseId="", defaultLakehouseName=None)
    here = fabric.context()
    assert here is not None and here.lakehouse_id is None and here.lakehouse_workspace_id is None
    for call in (fabric.lakehouse_url, lambda: settings.session("/lakehouse/default")):
        with pytest.raises(cw.ConfigError, match="no lakehouse is attached"):
            call()
    with pytest.warns(UserWarning, match="no lakehouse is attached.*ends with its session"):
        assert settings.session().lakehouse == f"{(tmp_path / 'lakehouse').as_uri()}/"


def test_a_lakehouse_is_found_by_its_name(notebook: Notebook) -> None:
    schemas = {"id": "44444444-dddd-4ddd-8ddd-444444444444", "workspaceId": WORKSPACE, "properties": {"defaultSchema": "dbo"}}
    notebook.lakehouses[WORKSPACE, "Gold"] = schemas
    notebook.lakehouses["55555555", "Flat"] = {"id": "66666666", "properties": {"oneLakeTablesPath": "https://x"}}
    notebook.lakehouses[WORKSPACE, "Nothing"] = None
    assert fabric.lakehouse_url("Gold") == ATTACHED.replace(LAKEHOUSE, "44444444-dddd-4ddd-8ddd-444444444444")
    with pytest.warns(UserWarning, match="'Flat' seems to have no schemas"):
        assert fabric.lakehouse_url("Flat", "55555555") == "abfss://55555555@onelake.dfs.fabric.microsoft.com/66666666/Tables"
    for name in ("Silver", "Nothing"):
        with pytest.raises(cw.ConfigError, match=name):
            fabric.lakehouse_url(name)
    with pytest.raises(cw.ConfigError, match="give both"):
        fabric.lakehouse_url(workspace="55555555")


def test_an_attached_lakehouse_without_schemas_is_warned_of_once(notebook: Notebook, recwarn: pytest.WarningsRecorder) -> None:
    notebook.lakehouses[WORKSPACE, "Service"] = {"id": LAKEHOUSE, "properties": {"oneLakeTablesPath": "https://x"}}
    assert fabric.lakehouse_url() == fabric.lakehouse_url() == ATTACHED
    assert ["no schemas" in str(one.message) for one in recwarn] == [True]


@pytest.mark.filterwarnings("ignore:.*no schemas")
def test_a_lakehouse_without_schemas_has_its_tables_where_fabric_sees_them(
    notebook: Notebook, given: list[tuple[Any, ...]], tmp_path: pathlib.Path
) -> None:
    notebook.lakehouses[WORKSPACE, "Service"] = {"id": LAKEHOUSE, "properties": {"oneLakeTablesPath": "https://x"}}
    for place in (None, fabric.lakehouse_url()):
        settings.session(place)
        assert given[-1][2] == {"CW_LAYOUT": "flat"}
    settings.session(config={"CW_LAYOUT": "schemas"})
    assert given[-1][2] == {"CW_LAYOUT": "schemas"}
    file = tmp_path / "mine.toml"
    file.write_text('layout = "schemas"\n')
    settings.session(config=str(file))
    assert given[-1][2] == {}
    notebook.lakehouses[WORKSPACE, "Gold"] = {"id": "44444444", "properties": {"defaultSchema": "dbo"}}
    settings.session(fabric.lakehouse_url("Gold"))
    assert given[-1][2] == {}


def test_a_token_or_a_secret_that_there_is_none_of_is_one_sentence(notebook: Notebook) -> None:
    notebook.token = RuntimeError("the user has no license")
    with pytest.raises(cw.ConfigError, match="no answer about a token for storage: RuntimeError: the user has no license"):
        cw.status()
    for nothing in (None, " "):
        notebook.token = nothing
        with pytest.raises(cw.ConfigError, match="gives no token for pbi"):
            fabric.token("pbi")
    with pytest.raises(cw.ConfigError, match="the secret 'CW-CLIENTID' of https://vault"):
        fabric.secret("https://vault", "CW-CLIENTID")
    notebook.vault["CW-CLIENTID"] = "7"
    assert fabric.secret("https://vault", "CW-CLIENTID") == "7"


def test_a_client_needs_no_lakehouse(notebook: Notebook, shared: Tenant) -> None:
    notebook.token = RuntimeError("nobody has to ask")
    assert cw.ConnectWiseClient(shared.config).count("service/boards") == shared.counted("Board")


def test_a_call_of_old_fills_the_attached_lakehouse(
    notebook: Notebook, tenant: Tenant, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in tenant.config.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(fabric, "ONELAKE", str(tmp_path / "{workspace}/{lakehouse}/Tables"))
    spark = object()
    report = cw.run_etl_pipeline(spark=spark, layers=["bronze", "silver", "gold"], mode="incremental", lookback_days=7)
    assert report.outcome == "done"
    assert table(tmp_path / WORKSPACE / LAKEHOUSE / "Tables", "gold/fact_timeentry").num_rows == SCALE
    assert len(cw.query("select * from fact_timeentry")) == SCALE and not (tmp_path / "lakehouse").exists()


@pytest.fixture
def onelake(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A OneLake that lets nobody in, and the credentials that it was shown."""
    shown: list[str] = []

    class Refusal(http.server.BaseHTTPRequestHandler):
        def refuse(self) -> None:
            shown.append(str(self.headers["Authorization"]))
            self.rfile.read(int(self.headers["Content-Length"] or 0))
            self.send_response(401)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_HEAD = do_PUT = do_DELETE = refuse

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refusal)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("AZURE_STORAGE_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("AZURE_STORAGE_ALLOW_HTTP", "true")
    monkeypatch.setenv("AZURE_ALLOW_HTTP", "true")
    yield shown
    server.shutdown()
    server.server_close()


def test_onelake_is_shown_the_token_and_nobody_else(
    notebook: Notebook, onelake: list[str], shared: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    notebook.token = jwt(time.time() + 3_600)
    with caplog.at_level("DEBUG", logger="connectwise_etl"), pytest.raises(cw.ConnectWiseError, match="the store answers 401") as caught:
        cw.run(["bronze"], entities="Board", config=shared.config, progress=False)
    assert set(onelake) == {f"Bearer {notebook.token}"}
    assert notebook.token not in f"{caught.value}{caplog.text}"


def test_a_token_that_has_ended_is_said(notebook: Notebook, onelake: list[str], shared: Tenant) -> None:
    notebook.token = jwt(time.time() - 1)
    with pytest.raises(cw.ConfigError, match="no token opens the lakehouse: the one that was given ended at 20"):
        cw.run(["bronze"], entities="Board", config=shared.config, progress=False)
    assert onelake == []


SYNCED = [{"tableName": "fact_timeentry", "status": "Success"}]
REFRESH = f"POST /v1/workspaces/{WORKSPACE}/sqlEndpoints/endpoint/refreshMetadata {{}}"


def test_the_sql_endpoint_is_refreshed_at_once_or_a_while_later(notebook: Notebook, rest: Rest) -> None:
    rest.answers = [(200, {}, {"value": SYNCED})]
    assert fabric.refresh_sql_endpoint() == SYNCED
    assert rest.asked == [REFRESH] and notebook.asked == ["pbi"]
    rest.asked.clear()
    rest.answers = [
        (429, {"Retry-After": "0"}, None),
        (202, {"x-ms-operation-id": "7", "Location": "https://elsewhere.example/v1/operations/7", "Retry-After": "20"}, None),
        (200, {}, {"status": "Running", "percentComplete": 30}),
        (200, {}, {"status": "Succeeded"}),
        (200, {}, {"value": SYNCED}),
    ]
    assert fabric.refresh_sql_endpoint("Service", WORKSPACE) == SYNCED
    assert rest.asked == [REFRESH, REFRESH, *["GET /v1/operations/7"] * 2, "GET /v1/operations/7/result"]


def test_a_refresh_that_fails_is_one_sentence(notebook: Notebook, rest: Rest) -> None:
    role = {"errorCode": "InsufficientPrivileges", "message": "The caller is no Contributor"}
    begun = (202, {"x-ms-operation-id": "7"}, None)
    for answers, words in (
        ([(403, {}, role)], r"\(403\): InsufficientPrivileges, The caller is no Contributor"),
        ([begun, (200, {}, {"status": "Failed", "error": role})], "couldn't refresh.*no Contributor"),
        ([(429, {"Retry-After": "3600"}, None)], "isn't refreshed yet"),
    ):
        rest.answers = list(answers)
        with pytest.raises(cw.LakeError, match=words) as caught:
            fabric.refresh_sql_endpoint()
        assert notebook.token not in str(caught.value)
    with pytest.raises(cw.LakeError, match="isn't refreshed yet"):
        rest.answers = [begun, *[(200, {}, {"status": "Running"})] * 100]
        fabric.refresh_sql_endpoint(timeout=0.05)
    notebook.lakehouses[WORKSPACE, "Service"]["properties"] = {}
    with pytest.raises(cw.ConfigError, match="no SQL endpoint of the lakehouse 'Service'"):
        fabric.refresh_sql_endpoint()


def test_a_pipeline_reads_the_report_as_the_exit_value(notebook: Notebook) -> None:
    step = {"layer": "bronze", "table": "bronze_cw_board", "outcome": "written", "rowsInserted": 7}
    report = cw.RunReport({"runId": "1-2-3", "steps": [step, {**step, "outcome": "unchanged"}]}, "done")
    fabric.exit_with(report)
    assert notebook.ended == []
    notebook.context["isForPipeline"] = True
    fabric.exit_with(report)
    assert json.loads(notebook.ended[0]) == {"runId": "1-2-3", "outcome": "done", "steps": [step]}
    notebook.leave()
    with pytest.raises(cw.ConfigError, match="Microsoft Fabric only"):
        fabric.exit_with(report)
