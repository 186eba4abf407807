"""A simulated tenant, a lakehouse that was loaded from it, and the truth about both from elsewhere."""

from __future__ import annotations

import base64
import http.server
import json
import os
import pathlib
import subprocess
import sys
import threading
import types
import urllib.request
from collections.abc import Iterator
from typing import Any

import deltalake
import pyarrow
import pytest

import connectwise_etl as cw

SCALE = 300
#: What says when and by which run a row was written.
TECHNICAL = ("etlTimestamp", "_etl_run_id", "_etl_gold_processed_at", "_etl_batch_id", "historyKey", "validFrom", "validTo")

# What is asked for on this machine goes through no proxy.
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"


class Tenant(cw.Simulator):
    """A simulator that tests can ask and change by plain HTTP, without the package."""

    def truth(self, entity: str) -> list[dict[str, Any]]:
        """All records of an entity, as the simulator has them."""
        rows: list[dict[str, Any]] = self.ask(f"/_sim/truth/{entity}")
        return rows

    def counted(self, entity: str) -> int:
        return int(self.ask(f"/_sim/truth/{entity}/count")["count"])

    def fault(self, **rule: object) -> None:
        self.ask("/_sim/faults", rule)

    def mend(self) -> None:
        self.ask("/_sim/faults", method="DELETE")

    def api(self, path: str) -> Any:
        """What the API answers to a client that isn't ours."""
        given = self.config
        key = base64.b64encode(f"{given['CW_AUTH_USERNAME']}:{given['CW_AUTH_PASSWORD']}".encode()).decode()
        headers = {"Authorization": f"Basic {key}", "clientId": given["CW_CLIENTID"]}
        with urllib.request.urlopen(urllib.request.Request(f"{given['CW_BASE_URL']}/{path}", headers=headers)) as answer:
            return json.load(answer)

    def ask(self, path: str, body: object = None, method: str | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method)
        with urllib.request.urlopen(request) as answer:
            text = answer.read()
        return json.loads(text) if text.strip() else None


def table(lakehouse: pathlib.Path, name: str) -> pyarrow.Table:
    """A table of a lakehouse, as a reader of Delta tables sees it."""
    return pyarrow.table(deltalake.DeltaTable(str(lakehouse / name)).to_pyarrow_table())


def rows(of: pyarrow.Table) -> list[str]:
    """The rows of a table, which two loads of the same tenant have in common."""
    names = sorted(name for name in of.column_names if name not in TECHNICAL)
    return sorted(map(str, of.select(names).to_pylist()))


def program(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The program that installing the package put beside this Python."""
    script = pathlib.Path(sys.executable).with_name("connectwise-etl")
    return subprocess.run([script, *arguments], env={**os.environ, **environment}, capture_output=True, text=True)


@pytest.fixture(autouse=True)
def nothing_configured(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    """No test sees the settings of whoever runs it."""
    for name in list(os.environ):
        if name.startswith(("CW_", "CONNECTWISE_", "CWM_", "AZURE_", "AWS_", "GOOGLE_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


class Notebook:
    """What ``notebookutils`` is in a notebook of Fabric, as far as its documentation says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._patch = monkeypatch
        self.context: dict[str, Any] = {
            "currentWorkspaceId": "11111111-aaaa-4aaa-8aaa-111111111111",
            "currentWorkspaceName": "Reports",
            "defaultLakehouseId": "22222222-bbbb-4bbb-8bbb-222222222222",
            "defaultLakehouseName": "Service",
            "defaultLakehouseWorkspaceId": "",
            "defaultLakehouseWorkspaceName": "",
            "isForPipeline": False,
        }
        self.lakehouses: dict[tuple[str, str], Any] = {}
        self.vault: dict[str, str] = {}
        self.token: Any = "header.payload.signature"
        self.asked: list[str] = []
        self.ended: list[str] = []
        self.enter()

    def enter(self) -> None:
        runtime = types.SimpleNamespace(context=self.context)
        credentials = types.SimpleNamespace(getToken=self._token, getSecret=lambda _, name: self.vault[name])
        lakehouse = types.SimpleNamespace(getWithProperties=lambda name, workspace="": self.lakehouses[workspace, name])
        notebook = types.SimpleNamespace(exit=self.ended.append)
        module = types.SimpleNamespace(runtime=runtime, credentials=credentials, lakehouse=lakehouse, notebook=notebook)
        self._patch.setitem(sys.modules, "notebookutils", module)

    def leave(self) -> None:
        # An import of it fails then.
        self._patch.setitem(sys.modules, "notebookutils", None)

    def _token(self, audience: str) -> Any:
        self.asked.append(audience)
        if isinstance(self.token, Exception):
            raise self.token
        return self.token


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Notebook:
    """This is a notebook of Fabric, with a lakehouse attached."""
    cw.fabric._seen.clear()
    cw.fabric._flat.clear()
    return Notebook(monkeypatch)


class Rest:
    """A server that answers what it was told to, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str], object]] = []
        self.asked: list[str] = []

    def handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        rest = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
                assert self.headers["Authorization"] == "Bearer header.payload.signature"
                rest.asked.append(f"{self.command} {self.path} {body}".strip())
                status, headers, content = rest.answers.pop(0)
                text = b"" if content is None else json.dumps(content).encode()
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(text))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = answer

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@pytest.fixture
def rest(notebook: Notebook, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rest]:
    """The REST interface of Fabric, which answers what a test says, and has a lakehouse with a SQL endpoint."""
    properties = {"defaultSchema": "dbo", "sqlEndpointProperties": {"id": "endpoint"}}
    notebook.lakehouses[notebook.context["currentWorkspaceId"], notebook.context["defaultLakehouseName"]] = {"properties": properties}
    rest = Rest()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), rest.handler())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(cw.fabric, "API", f"http://127.0.0.1:{server.server_port}/v1")
    monkeypatch.setattr(cw.fabric, "PACE", 0.01)
    yield rest
    server.shutdown()
    server.server_close()


@pytest.fixture
def tenant() -> Iterator[Tenant]:
    """A tenant of a test's own."""
    with Tenant(scale=SCALE) as tenant:
        yield tenant


@pytest.fixture(scope="session")
def shared() -> Iterator[Tenant]:
    """A tenant that no test changes."""
    with Tenant(scale=SCALE) as tenant:
        yield tenant


@pytest.fixture(scope="session")
def lakehouse(shared: Tenant, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """All of the shared tenant in all layers; no test writes to it."""
    place = tmp_path_factory.mktemp("lakehouse")
    report = cw.run(mode="full", lakehouse=place, config=shared.config, progress=False)
    assert report.outcome == "done", report
    return place
