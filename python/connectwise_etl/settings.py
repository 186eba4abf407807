"""Arguments as the program takes them."""

from __future__ import annotations

import datetime
import logging
import operator
import os
from collections.abc import Iterable, Mapping
from typing import Union

from . import _native
from .errors import ConfigError

#: Settings: the path of a ``connectwise-etl.toml``, or variables such as ``{"CW_BASE_URL": ...}``.
Config = Union[str, "os.PathLike[str]", Mapping[str, object]]
#: Where a lakehouse is: a folder, or the URL of an object store.
Place = Union[str, "os.PathLike[str]"]
#: Names with commas between them, or in a list.
Names = Union[str, Iterable[str]]
#: A day or an instant; what has no time zone is UTC.
Moment = Union[str, datetime.date, datetime.datetime]

#: Beginnings of the names that mean something here.
PREFIXES = ("CW_", "CONNECTWISE_", "CWM_", "AZURE_")

logger = logging.getLogger("connectwise_etl")
# A library is silent until somebody says where records go.
logger.addHandler(logging.NullHandler())


def session(lakehouse: Place | None = None, config: Config | None = None, **given: str | None) -> _native.Session:
    """The settings of one call: arguments count more than the process's environment, that more than files."""
    file, variables = None, {name: value for name, value in given.items() if value is not None}
    if isinstance(config, Mapping):
        variables = {**_variables(config), **variables}
    elif config is not None:
        file = os.fspath(config)
    place = None if lakehouse is None else os.fspath(lakehouse)
    opened = _native.Session(place, file, variables, _process())
    for remark in opened.remarks:
        logger.warning("%s", remark.removeprefix("warning: "))
    return opened


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
