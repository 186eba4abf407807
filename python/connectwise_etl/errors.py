"""What can go wrong, by who can do something about it. Every text says what happened, to what, and what to do."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .report import RunReport

__all__ = [
    "ConfigError",
    "ConflictError",
    "ConnectWiseError",
    "ContractError",
    "CredentialsError",
    "ErrorCode",
    "ForbiddenError",
    "IncompleteError",
    "IncompleteWarning",
    "InfrastructureError",
    "LakeError",
    "NotFoundError",
    "ProcessingError",
    "QueryError",
    "RateLimitedError",
    "RunFailed",
    "SourceError",
    "UnreachableError",
]


class ErrorCode(enum.IntEnum):
    """Where an error is, in numbers whose first digit is that of an earlier package's codes."""

    UNKNOWN = 0
    CONFIG = 1000
    SOURCE = 2000
    TABLE = 3000
    LAKEHOUSE = 6000


class ConnectWiseError(Exception):
    """Any error of this package.

    ``code`` is where it is. Where an answer of the API is behind it, ``status`` is its HTTP status and ``request_id`` what the
    vendor's support asks for. ``is_retryable`` says that the same may succeed later, ``may_have_been_carried_out`` that a write got
    no answer: look at the server before you send it again.
    """

    code: ErrorCode = ErrorCode.UNKNOWN
    status: int | None = None
    request_id: str | None = None
    is_retryable: bool = False
    may_have_been_carried_out: bool = False


class ConfigError(ConnectWiseError, ValueError):
    """An argument, a setting or a credential is missing or wrong. Nothing was touched."""

    code = ErrorCode.CONFIG


class ProcessingError(ConnectWiseError):
    """What was read can't become a table: any error of the API, of its data and of a run's steps."""

    code = ErrorCode.TABLE


class InfrastructureError(ConnectWiseError):
    """Where tables are written, something is in the way."""

    code = ErrorCode.LAKEHOUSE


class SourceError(ProcessingError):
    """The API refused or failed."""

    code = ErrorCode.SOURCE


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


class IncompleteError(ProcessingError):
    """A read can't prove that it is whole. Nothing was replaced."""

    code = ErrorCode.SOURCE


class ContractError(ProcessingError):
    """A value doesn't fit the columns of its table."""


class ConflictError(InfrastructureError):
    """Another run changed a table meanwhile. Nothing was written; do it again."""


class LakeError(InfrastructureError):
    """The lakehouse can't be read or written."""


class QueryError(ConnectWiseError, ValueError):
    """The SQL can't be read, planned or run."""

    code = ErrorCode.CONFIG


class RunFailed(ProcessingError):
    """Steps of a run failed, and their tables are as they were; the others are written. ``report`` says all of it."""

    def __init__(self, message: str, report: RunReport | None = None) -> None:
        super().__init__(message)
        self.report = report


class IncompleteWarning(UserWarning):
    """A run wrote what could be read, and left something out that the next run asks for again."""
