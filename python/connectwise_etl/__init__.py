"""ConnectWise PSA in a lakehouse of Delta tables.

>>> import connectwise_etl as cw
>>> report = cw.run(lakehouse="./lakehouse")            # doctest: +SKIP
>>> hours = cw.query("select * from fact_timeentry")    # doctest: +SKIP
>>> hours.to_pandas()                                   # doctest: +SKIP

Credentials come from the environment (``CW_BASE_URL``, ``CW_AUTH_USERNAME``, ``CW_AUTH_PASSWORD``, ``CW_CLIENTID``), from ``.env`` in
the working directory, or from ``config``. Progress is logged to ``logging.getLogger("connectwise_etl")``.
"""

from __future__ import annotations

from . import fabric, transforms, utils
from ._native import API_VERSION, __version__
from .client import ConnectWiseClient, Response
from .errors import (
    ConfigError,
    ConflictError,
    ConnectWiseError,
    ContractError,
    CredentialsError,
    ForbiddenError,
    IncompleteError,
    IncompleteWarning,
    LakeError,
    NotFoundError,
    QueryError,
    RateLimitedError,
    RunFailed,
    SourceError,
    UnreachableError,
)
from .frame import Frame
from .pipeline import ask, doctor, maintain, query, questions, reconcile, run, run_etl_pipeline, schema, status, verify
from .report import Diagnosis, Maintenance, Reconciliation, Report, RunReport, Status, Verification
from .simulator import Simulator
from .transforms import create_expense_entry_fact, create_invoice_line_fact, create_time_entry_fact

#: The name that an earlier package gave the client.
ConnectWiseExtractor = ConnectWiseClient

__all__ = [
    "API_VERSION",
    "ConfigError",
    "ConflictError",
    "ConnectWiseClient",
    "ConnectWiseError",
    "ConnectWiseExtractor",
    "ContractError",
    "CredentialsError",
    "Diagnosis",
    "ForbiddenError",
    "Frame",
    "IncompleteError",
    "IncompleteWarning",
    "LakeError",
    "Maintenance",
    "NotFoundError",
    "QueryError",
    "RateLimitedError",
    "Reconciliation",
    "Report",
    "Response",
    "RunFailed",
    "RunReport",
    "Simulator",
    "SourceError",
    "Status",
    "UnreachableError",
    "Verification",
    "__version__",
    "ask",
    "create_expense_entry_fact",
    "create_invoice_line_fact",
    "create_time_entry_fact",
    "doctor",
    "fabric",
    "maintain",
    "query",
    "questions",
    "reconcile",
    "run",
    "run_etl_pipeline",
    "schema",
    "status",
    "transforms",
    "utils",
    "verify",
]
