"""Names by which an earlier package of this name is used.

>>> from connectwise_etl.utils import create_batch_identifier
>>> import datetime
>>> create_batch_identifier(datetime.datetime(2026, 1, 31, 8, 5))
'20260131-080500'
"""

from __future__ import annotations

import datetime

from .errors import ConfigError, ErrorCode, InfrastructureError, ProcessingError

__all__ = ["ETLConfigError", "ETLInfrastructureError", "ETLProcessingError", "ErrorCode", "create_batch_identifier"]

ETLConfigError = ConfigError
ETLProcessingError = ProcessingError
ETLInfrastructureError = InfrastructureError


def create_batch_identifier(timestamp: datetime.datetime | None = None) -> str:
    """A moment as ``YYYYMMDD-HHMMSS`` in UTC, by default now; what has no time zone is UTC."""
    if timestamp is None:
        timestamp = datetime.datetime.now(datetime.timezone.utc)
    elif timestamp.tzinfo is not None:
        timestamp = timestamp.astimezone(datetime.timezone.utc)
    return timestamp.strftime("%Y%m%d-%H%M%S")
