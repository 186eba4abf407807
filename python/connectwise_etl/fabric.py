"""A notebook of Microsoft Fabric: its lakehouse and the SQL endpoint of that, its tokens, secrets from a vault, and its exit value.

All of it comes from ``notebookutils``, a module that only such notebooks have. What is relied upon is what its documentation says; none
of it has met a real workspace yet. Outside of Fabric :func:`context` is ``None``, and the other functions raise :exc:`ConfigError`.
"""

from __future__ import annotations

import base64
import http.client
import importlib
import json
import posixpath
import time
import urllib.error
import urllib.request
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from .errors import ConfigError, LakeError
from .report import RunReport

__all__ = ["Context", "context", "exit_with", "lakehouse_url", "refresh_sql_endpoint", "secret", "token"]

#: Where the tables of a lakehouse are. Ids have no letters that a URL can't hold, as names may.
ONELAKE = "abfss://{workspace}@onelake.dfs.fabric.microsoft.com/{lakehouse}/Tables"
#: Fabric's REST interface.
API = "https://api.fabric.microsoft.com/v1"
#: Seconds between two questions whether something is done, where the answer doesn't say.
PACE = 5.0
#: Where a notebook sees the lakehouse that is attached to it as a folder.
MOUNT = "/lakehouse/default"
#: URLs of attached lakehouses that Fabric was asked about.
_seen: set[str] = set()
#: URLs of lakehouses that were found to have no schemas.
_flat: set[str] = set()


@dataclass(frozen=True)
class Context:
    """Where this notebook runs. What no lakehouse is attached for is ``None``."""

    workspace_id: str
    workspace_name: str | None
    #: The lakehouse that is attached as the default one, which may be of another workspace.
    lakehouse_id: str | None
    lakehouse_name: str | None
    lakehouse_workspace_id: str | None
    lakehouse_workspace_name: str | None
    #: Whether a pipeline runs the notebook, and nobody looks.
    is_pipeline: bool


def context() -> Context | None:
    """Where this notebook runs; ``None`` where this is none of Fabric's."""
    # What it raises where no notebook is behind it isn't said anywhere.
    try:
        said: Any = _notebookutils().runtime.context
    except Exception:
        return None
    if not said:
        return None

    def text(name: str) -> str | None:
        return str(value) if (value := said.get(name)) else None

    # The module can be installed elsewhere for the sake of editors, and knows no workspace then.
    if (workspace := text("currentWorkspaceId")) is None:
        return None
    lakehouse = text("defaultLakehouseId")
    return Context(
        workspace_id=workspace,
        workspace_name=text("currentWorkspaceName"),
        lakehouse_id=lakehouse,
        lakehouse_name=text("defaultLakehouseName"),
        lakehouse_workspace_id=(text("defaultLakehouseWorkspaceId") or workspace) if lakehouse else None,
        lakehouse_workspace_name=text("defaultLakehouseWorkspaceName"),
        is_pipeline=(text("isForPipeline") or "").lower() == "true",
    )


def lakehouse_url(name: str | None = None, workspace: str | None = None) -> str:
    """The URL of a lakehouse's tables in OneLake, as ``lakehouse`` of the other functions takes it.

    Tables are written to ``Tables/<layer>/<table>``, which are tables for Fabric where the lakehouse has schemas, and in one without to
    ``Tables/<table>``. What tells them apart, ``defaultSchema`` in the properties, is read from an example of Fabric's documentation and
    unverified, so that a lakehouse without is warned of; ``CW_LAYOUT`` and ``layout`` of the configuration file say otherwise.

    :param name: of a lakehouse; without it that which is attached to the notebook as the default one
    :param workspace: id of the workspace of the lakehouse ``name``; without it the notebook's own
    :raises ConfigError: this is no notebook of Fabric, no lakehouse is attached to it, or there is none of this name
    """
    here = _here("the lakehouse of a notebook")
    if name is None:
        if workspace is not None:
            raise ConfigError("workspace says where the lakehouse is that name says: give both")
        if here.lakehouse_id is None or here.lakehouse_workspace_id is None:
            raise ConfigError(
                "no lakehouse is attached to this notebook as its default: attach one, or say which with "
                'lakehouse=fabric.lakehouse_url("<name>")'
            )
        url = ONELAKE.format(workspace=here.lakehouse_workspace_id, lakehouse=here.lakehouse_id)
        if here.lakehouse_name is not None:
            _look_at(here.lakehouse_name, here.lakehouse_workspace_id, url)
        return url
    found = _ask(f"the lakehouse {name!r}", "lakehouse", "getWithProperties", name, workspace or here.workspace_id)
    lakehouse = _part(found, "id")
    if not lakehouse:
        raise ConfigError(f"notebookutils knows no lakehouse {name!r} in the workspace {workspace or here.workspace_id}")
    url = ONELAKE.format(workspace=_part(found, "workspaceId") or workspace or here.workspace_id, lakehouse=lakehouse)
    _note_layout(name, found, url)
    return url


def token(audience: str = "storage") -> str:
    """A token of whoever runs this notebook. It ends after a while, which ``notebookutils`` doesn't say; a run asks for another one then.

    :param audience: for whom it is: ``storage`` is OneLake, ``pbi`` the REST interface of Fabric, ``keyvault`` a vault
    :raises ConfigError: this is no notebook of Fabric, or it gives no token
    """
    _here("a notebook's token")
    given = _ask(f"a token for {audience}", "credentials", "getToken", audience)
    if (found := token_in(given)) is None:
        raise ConfigError(f"notebookutils gives no token for {audience}: it may not be known to it")
    return found


def secret(vault: str, name: str) -> str:
    """A secret of an Azure Key Vault, which whoever runs this notebook has to be allowed to read.

    :param vault: its URL, as ``https://<vault>.vault.azure.net/``
    :raises ConfigError: this is no notebook of Fabric, or it gives no such secret
    """
    _here("a secret of a vault")
    given = _ask(f"the secret {name!r} of {vault}", "credentials", "getSecret", vault, name)
    if not isinstance(given, str) or not given:
        raise ConfigError(f"notebookutils gives no secret {name!r} of {vault}: it is empty, or there is none")
    return given


def refresh_sql_endpoint(name: str | None = None, workspace: str | None = None, *, timeout: float = 900.0) -> list[dict[str, Any]]:
    """Refreshes the SQL endpoint of a lakehouse, which otherwise shows new rows and tables only some minutes later.

    Worth a call after a run that wrote something, when reports are refreshed right behind it. It needs the role Contributor in the
    workspace. The interface that it calls is called a preview by Fabric.

    :param name: of a lakehouse; without it that which is attached to the notebook as the default one
    :param workspace: id of the workspace of the lakehouse ``name``; without it the notebook's own
    :param timeout: seconds to wait for the end
    :returns: a dictionary for each table, as Fabric writes it: ``tableName``, ``status`` (``Success``, ``NotRun``, ``Failure``) and
        times
    :raises ConfigError: this is no notebook of Fabric, there is no such lakehouse, or no token
    :raises LakeError: Fabric refuses, fails, or takes longer than ``timeout``
    """
    here = _here("the SQL endpoint of a lakehouse")
    if name is None:
        if here.lakehouse_id is None or here.lakehouse_name is None or here.lakehouse_workspace_id is None:
            raise ConfigError("no lakehouse is attached to this notebook as its default: attach one, or say the name of one")
        name, workspace = here.lakehouse_name, here.lakehouse_workspace_id
    workspace = workspace or here.workspace_id
    properties = _part(_ask(f"the lakehouse {name!r}", "lakehouse", "getWithProperties", name, workspace), "properties")
    endpoint = _part(_part(properties, "sqlEndpointProperties"), "id")
    if not endpoint:
        raise ConfigError(f"notebookutils knows no SQL endpoint of the lakehouse {name!r}: Fabric may be making it just now")
    bearer, until = token("pbi"), time.monotonic() + timeout
    answer, operation = _fabric("POST", f"workspaces/{workspace}/sqlEndpoints/{endpoint}/refreshMetadata", bearer, until)
    if operation is not None:
        while answer.get("status") in (None, "NotStarted", "Running"):
            _pause(PACE, until)
            answer, _ = _fabric("GET", f"operations/{operation}", bearer, until)
        if answer["status"] != "Succeeded":
            raise LakeError(f"Fabric couldn't refresh the SQL endpoint: {_why(answer.get('error'))}")
        answer, _ = _fabric("GET", f"operations/{operation}/result", bearer, until)
    tables: list[dict[str, Any]] = answer.get("value", [])
    return tables


def exit_with(report: RunReport) -> None:
    """Ends the notebook with a run's report as its exit value where a pipeline runs it; in a notebook run by hand it does nothing.

    The pipeline reads it as ``activity('<notebook>').output.result.exitValue``: JSON with what the report has, of its ``steps`` those that
    did more than find a table unchanged. A run that failed has raised before, so that the activity fails, too.

    :raises ConfigError: this is no notebook of Fabric
    """
    if not _here("the exit value of a notebook").is_pipeline:
        return
    steps = [step for step in report.steps if step["outcome"] != "unchanged"]
    value = json.dumps({**report, "outcome": report.outcome, "steps": steps})
    # It ends the notebook by an exception of its own.
    _notebookutils().notebook.exit(value)


def is_onelake(url: str) -> bool:
    """Whether a URL is one of OneLake, of whatever region."""
    host = urlsplit(url).hostname or ""
    return "onelake" in host and host.endswith(".fabric.microsoft.com")


def is_flat(url: str) -> bool:
    """Whether a lakehouse that this notebook has asked for has no schemas."""
    return url.rstrip("/") in _flat


def translated(url: str) -> str:
    """The URL of a lakehouse, in OneLake where it is the folder as which a notebook sees the attached one.

    Through the folder no commit is safe: it has no hard links, which make sure that of two writers one is told.
    """
    path = posixpath.normpath(unquote(url.removeprefix("file://")))
    if path in (MOUNT, f"{MOUNT}/Tables"):
        return lakehouse_url()
    if path.startswith("/lakehouse/"):
        raise ConfigError(
            f"{path} can't be a lakehouse: of the folders that a notebook has below /lakehouse, {MOUNT} is the attached lakehouse; "
            "for another one take fabric.lakehouse_url(name)"
        )
    return url


def token_in(given: object) -> str | None:
    """The token that a function gave; ``None`` where a header can't hold what it gave, which an error about the header would show."""
    text = given.strip() if isinstance(given, str) else ""
    return text if text and text.isascii() and text.isprintable() and " " not in text else None


def end_of(token: str) -> float | None:
    """When a token ends, in seconds since 1970, if it says so."""
    try:
        claims = token.split(".")[1]
        return float(json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["exp"])
    except (IndexError, KeyError, TypeError, ValueError):
        return None


def _notebookutils() -> Any:
    # What it raises where no notebook is behind it isn't said anywhere.
    try:
        return importlib.import_module("notebookutils")
    except Exception:
        return None


def _here(what: str) -> Context:
    if (here := context()) is None:
        raise ConfigError(f"{what} is there in a notebook of Microsoft Fabric only, and this is none")
    return here


def _ask(what: str, module: str, function: str, *arguments: str) -> Any:
    try:
        return getattr(getattr(_notebookutils(), module), function)(*arguments)
    except Exception as error:
        raise ConfigError(f"notebookutils gives no answer about {what}: {type(error).__name__}: {error}") from error


def _fabric(method: str, path: str, bearer: str, until: float) -> tuple[dict[str, Any], str | None]:
    """What Fabric's REST interface answers, and the id of an operation that goes on behind it."""
    body = b"{}" if method == "POST" else None
    request = urllib.request.Request(f"{API}/{path}", data=body, headers={"Content-Type": "application/json"}, method=method)
    # A redirection doesn't take the token along.
    request.add_unredirected_header("Authorization", f"Bearer {bearer}")
    while True:
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                content = json.loads(answer.read() or b"{}")
                # The address in `Location` is of another host, which needn't see the token.
                operation = answer.headers["x-ms-operation-id"] if answer.status == 202 else None
            return {"value": content} if isinstance(content, list) else content or {}, operation
        except urllib.error.HTTPError as error:
            if error.code != 429:
                raise LakeError(f"Fabric refuses to refresh the SQL endpoint ({error.code}): {_why(error.read())}") from error
            # It may be a date, too.
            wait = error.headers["Retry-After"] or ""
            _pause(float(wait) if wait.isdigit() else PACE, until)
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise LakeError(f"Fabric's REST interface gives no answer that can be read: {error}") from error


def _why(error: Any) -> str:
    """What an error of Fabric's says of itself."""
    try:
        said = json.loads(error) if isinstance(error, bytes) else error
        return f"{said['errorCode']}, {said['message']}"
    except (KeyError, TypeError, ValueError):
        return "it doesn't say why"


def _pause(seconds: float, until: float) -> None:
    if time.monotonic() + seconds > until:
        raise LakeError("the SQL endpoint isn't refreshed yet; Fabric goes on with it by itself")
    time.sleep(seconds)


def _part(of: Any, name: str) -> Any:
    """A part of what ``notebookutils`` calls an artifact, in both forms in which notebooks are seen to read it."""
    return of.get(name) if isinstance(of, Mapping) else getattr(of, name, None)


def _look_at(name: str, workspace: str, url: str) -> None:
    """Looks whether an attached lakehouse has schemas, until there is an answer. It can be used without one, too."""
    if url in _seen:
        return
    try:
        found = _ask(f"the lakehouse {name!r}", "lakehouse", "getWithProperties", name, workspace)
    except ConfigError as error:
        warnings.warn(f"{error}; its tables are Tables/<layer>/<table>, unless CW_LAYOUT is flat", stacklevel=3)
        return
    _seen.add(url)
    _note_layout(name, found, url)


def _note_layout(name: str, found: Any, url: str) -> None:
    properties = _part(found, "properties")
    if isinstance(properties, Mapping) and properties and not properties.get("defaultSchema"):
        _flat.add(url)
        warnings.warn(
            f"the lakehouse {name!r} seems to have no schemas: its tables are Tables/<table>, unless CW_LAYOUT is schemas", stacklevel=2
        )
