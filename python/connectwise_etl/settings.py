"""Arguments as the program takes them."""

from __future__ import annotations

import datetime
import logging
import operator
import os
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Union

from . import _native, fabric
from .errors import ConfigError

#: Settings: the path of a ``connectwise-etl.toml``, or variables such as ``{"CW_BASE_URL": ...}``.
Config = Union[str, "os.PathLike[str]", Mapping[str, object]]
#: Where a lakehouse is: a folder, or the URL of an object store.
Place = Union[str, "os.PathLike[str]"]
#: Names with commas between them, or in a list.
Names = Union[str, Iterable[str]]
#: Gives an access token for the store of a lakehouse, alone or with its end in seconds since 1970. It is called again when that is near.
Token = Callable[[], Union[str, "tuple[str, float]"]]
#: A day or an instant; what has no time zone is UTC.
Moment = Union[str, datetime.date, datetime.datetime]

#: Beginnings of the names that mean something here.
PREFIXES = ("CW_", "CONNECTWISE_", "CWM_", "AZURE_", "AWS_", "GOOGLE_")
#: Variables with which somebody says who opens Azure's stores. Fabric's own, such as AZURE_SERVICE, say nothing of it.
CREDENTIALS = (
    "AZURE_CLIENT_SECRET",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_IDENTITY_ENDPOINT",
    "AZURE_MSI_ENDPOINT",
    "AZURE_MSI_RESOURCE_ID",
    "AZURE_OBJECT_ID",
    "AZURE_STORAGE_ACCESS_KEY",
    "AZURE_STORAGE_ACCOUNT_KEY",
    "AZURE_STORAGE_CLIENT_SECRET",
    "AZURE_STORAGE_MASTER_KEY",
    "AZURE_STORAGE_SAS_KEY",
    "AZURE_STORAGE_SAS_TOKEN",
    "AZURE_STORAGE_TOKEN",
    "AZURE_USE_AZURE_CLI",
    "AZURE_USE_MANAGED_IDENTITY",
)
#: Where a lakehouse is that nobody says anything about.
UNSAID = "./lakehouse"

logger = logging.getLogger("connectwise_etl")
# A library is silent until somebody says where records go.
logger.addHandler(logging.NullHandler())


def tenant(config: Config | None = None, **given: str | None) -> _native.Session:
    """The settings of a tenant: arguments count more than the process's environment, that more than files."""
    file, variables = _said(config)
    said = {name: value for name, value in given.items() if value is not None}
    return _open(None, file, {**variables, **said}, _process())


def session(lakehouse: Place | None = None, config: Config | None = None, token: Token | None = None) -> _native.Session:
    """The settings of a call that has a lakehouse."""
    place = None if lakehouse is None else os.fspath(lakehouse)
    file, variables = _said(config)
    process = _process()
    plain = _open(place, file, variables, process)
    url = plain.lakehouse

    def is_said(name: str) -> bool:
        return bool((variables.get(name) or process.get(name) or "").strip())

    if (here := fabric.context()) is not None:
        if place is None and not is_said("CW_LAKEHOUSE") and url == _native.Session(UNSAID, file, variables, process, None).lakehouse:
            # Neither an argument nor a variable nor a file says where.
            if here.lakehouse_id is None:
                warnings.warn(f"no lakehouse is attached to this notebook: the tables are in {url}, which ends with its session", stacklevel=3)
            else:
                url = fabric.lakehouse_url()
        else:
            # As Spark has it in a notebook, where the folder would be one of the machine and gone with it.
            url = fabric.lakehouse_url() if place is not None and place.rstrip("/") == "Tables" else fabric.translated(url)
        if fabric.is_flat(url) and not plain.has_layout:
            variables = {**variables, "CW_LAYOUT": "flat"}
        if token is None and fabric.is_onelake(url) and not any(map(is_said, CREDENTIALS)):
            token = fabric.token
    if url.startswith("file:"):
        token = None
    if token is None and url == plain.lakehouse and not fabric.is_flat(url):
        return plain
    return _native.Session(url, file, variables, process, None if token is None else _asking(token))


def _asking(token: Token) -> Callable[[], tuple[str, float | None]]:
    """The function as the compiled part calls it: for a token and when that ends, in seconds since 1970, if it is known."""

    def ask() -> tuple[str, float | None]:
        given = token()
        text, end = given if isinstance(given, tuple) and len(given) == 2 else (given, None)
        # What it returned isn't shown: it may be a secret in the wrong place.
        if (found := fabric.token_in(text)) is None or not isinstance(end, (int, float, type(None))):
            raise ConfigError("token is a function that returns a token, or a token and when it ends in seconds since 1970")
        return found, fabric.end_of(found) if end is None else float(end)

    return ask


def _open(place: str | None, file: str | None, variables: dict[str, str], process: dict[str, str]) -> _native.Session:
    found = _native.Session(place, file, variables, process, None)
    for remark in found.remarks:
        logger.warning("%s", remark.removeprefix("warning: "))
    return found


def _said(config: Config | None) -> tuple[str | None, dict[str, str]]:
    """The file and the variables that ``config`` is."""
    if isinstance(config, Mapping):
        return None, _variables(config)
    return (None if config is None else os.fspath(config)), {}


def _process() -> dict[str, str]:
    """The variables of this process, less those that aren't UTF-8: no setting is such."""
    found = {}
    for name, value in os.environ.items():
        try:
            f"{name}{value}".encode()
        except UnicodeEncodeError:
            continue
        found[name] = value
    return found


def _variables(config: Mapping[str, object]) -> dict[str, str]:
    for name in config:
        if not (isinstance(name, str) and name.startswith(PREFIXES)):
            raise ConfigError(
                f"config has the name {name!r}, which no setting has: the names are those of the variables, such as CW_BASE_URL, "
                "CW_AUTH_USERNAME, CW_AUTH_PASSWORD and CW_CLIENTID"
            )
    return {name: str(value) for name, value in config.items() if value is not None}


def names(what: Names | None) -> list[str]:
    """Names as a list."""
    if what is None:
        return []
    parts = what.split(",") if isinstance(what, str) else list(what)
    return [part.strip() for part in parts if part.strip()]


def whole(name: str, value: object, least: int, most: int | None = None) -> int | None:
    """A whole number within bounds, or none."""
    if value is None:
        return None
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise ConfigError(f"{name} is a whole number, and not {value!r}") from None
    if number < least or (most is not None and number > most):
        bounds = f"at least {least:,}" if most is None else f"{least:,} to {most:,}"
        raise ConfigError(f"{name} is {bounds}, and not {number:,}")
    return number


def moment(when: Moment | None) -> str | None:
    """A moment as the program reads it."""
    if isinstance(when, datetime.datetime):
        return (when if when.tzinfo else when.replace(tzinfo=datetime.timezone.utc)).isoformat()
    return when.isoformat() if isinstance(when, datetime.date) else when
