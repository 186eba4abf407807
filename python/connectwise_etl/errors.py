"""What can go wrong, by who can do something about it. Every text says what happened, to what, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .report import RunReport

__all__ = [
    "ConfigError",
    "ConflictError",
    "ConnectWiseError",
    "ContractError",
    "CredentialsError",
    "ForbiddenError",
    "IncompleteError",
    "IncompleteWarning",
    "LakeError",
    "NotFoundError",
    "QueryError",
    "RateLimitedError",
    "RunFailed",
    "SourceError",
    "UnreachableError",
]


class ConnectWiseError(Exception):
    """Any error of this package.

    Where an answer of the API is behind it, ``status`` is its HTTP status and ``request_id`` what the vendor's support asks
    for. ``is_retryable`` says that the same may succeed later, ``may_have_been_carried_out`` that a write got no answer: look
    at the server before you send it again.
    """

    status: int | None = None
    request_id: str | None = None
    is_retryable: bool = False
    may_have_been_carried_out: bool = False


class ConfigError(ConnectWiseError, ValueError):
    """An argument, a setting or a credential is missing or wrong. Nothing was touched."""


class SourceError(ConnectWiseError):
    """The API refused or failed."""


class CredentialsError(SourceError):
    """The API lets nobody in with these credentials (401)."""


class ForbiddenError(SourceError):
    """The role of the credentials lacks a right (403)."""


class NotFoundError(SourceError):
    """The API knows no such thing, or doesn't show it to this role (404)."""


class RateLimitedError(SourceError):
    """The API still limits the rate after all attempts (429)."""


class UnreachableError(SourceError):
    """There was no connection, no answer in time, or one that broke off."""


class IncompleteError(ConnectWiseError):
    """A read can't prove that it is whole. Nothing was replaced."""


class ContractError(ConnectWiseError):
    """A value doesn't fit the columns of its table."""


class ConflictError(ConnectWiseError):
    """Another run changed a table meanwhile. Nothing was written; do it again."""


class LakeError(ConnectWiseError):
    """The lakehouse can't be read or written."""


class QueryError(ConnectWiseError, ValueError):
    """The SQL can't be read, planned or run."""


class RunFailed(ConnectWiseError):
    """Steps of a run failed, and their tables are as they were; the others are written. ``report`` says all of it."""

    def __init__(self, message: str, report: RunReport | None = None) -> None:
        super().__init__(message)
        self.report = report


class IncompleteWarning(UserWarning):
    """A run wrote what could be read, and left something out that the next run asks for again."""
