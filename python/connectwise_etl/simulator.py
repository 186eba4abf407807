"""A tenant for people without one, and for tests."""

from __future__ import annotations

from types import TracebackType
from typing import TypeVar

from . import _native

Own = TypeVar("Own", bound="Simulator")


class Simulator:
    """A PSA server with made-up data on this machine, on a free port of its loopback address.

    ::

        with Simulator(scale=300) as tenant:
            connectwise_etl.run(lakehouse="demo", config=tenant.config)

    :param scale: time entries; the other lists are in proportion
    :param seed: what the data is made from: the same seed gives the same data
    """

    def __init__(self, scale: int = 5_000, seed: int = 1, port: int = 0) -> None:
        self._running = _native.Simulator(scale, seed, port)

    @property
    def url(self) -> str:
        """Root of the server; its own routes are below ``/_sim``."""
        return self._running.url

    @property
    def config(self) -> dict[str, str]:
        """What ``config`` of the other functions takes to ask this server."""
        return {
            "CW_BASE_URL": self._running.base_url,
            "CW_AUTH_USERNAME": self._running.username,
            "CW_AUTH_PASSWORD": self._running.password,
            "CW_CLIENTID": "00000000-0000-0000-0000-000000000000",
        }

    def close(self) -> None:
        """Stops it."""
        self._running.close()

    def __enter__(self: Own) -> Own:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
