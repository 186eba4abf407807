"""Stores as Amazon's and Google's are. moto keeps the objects, knows the conditions of S3's writes, and checks who signed a request."""

from __future__ import annotations

import itertools
import json
import re
import threading
import urllib.parse
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import moto.settings
from moto.iam.models import iam_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from moto.s3.models import s3_backends
from werkzeug.serving import make_server

ACCOUNT, PARTITION, REGION = "123456789012", "aws", "eu-central-1"
#: Buckets of all stores are the same process's.
_numbers = itertools.count(1)


@dataclass
class Fault:
    """What requests are answered with in place of what they ask for."""

    status: str
    code: str
    method: str = "GET|HEAD|PUT|POST|DELETE"
    path: str = ""
    times: int = 1_000_000


class Quiet(MotoRequestHandler):
    def log_request(self, *_: object) -> None:
        pass


class S3:
    """A store that lets in whoever signs with the key of a user who may do that."""

    scheme = "s3"
    #: Whether requests are signed.
    signed = True

    def __init__(self) -> None:
        self.bucket = f"bucket-{next(_numbers)}"
        self.faults: list[Fault] = []
        #: Objects in the order in which they were written, and requests that found what they wanted not to be there.
        self.written: list[str] = []
        self.overtaken: list[str] = []
        #: Whether it is an old store, which writes whatever the conditions are.
        self.is_old = False
        s3_backends[ACCOUNT][PARTITION].create_bucket(self.bucket, REGION)
        moto.settings.INITIAL_NO_AUTH_ACTION_COUNT = 0 if self.signed else float("inf")
        self._moto = DomainDispatcherApplication(create_backend_app)
        # moto looks whether an object is there and writes it later: its stores have no time in between.
        self._writing = threading.Lock()
        self._server = make_server("127.0.0.1", 0, self, threaded=True, request_handler=Quiet)
        self._server.daemon_threads = True  # type: ignore[attr-defined]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.key = self.user("s3:*")

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.bucket}/data/lake"

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def config(self) -> dict[str, str]:
        return {"AWS_ENDPOINT_URL": self.endpoint, "AWS_ALLOW_HTTP": "true", "AWS_REGION": REGION, **self.key}

    def user(self, action: str) -> dict[str, str]:
        """The key of a user who may do that and nothing else."""
        users, name = iam_backends[ACCOUNT][PARTITION], f"user-{next(_numbers)}"
        users.create_user(PARTITION, name)
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}
        users.put_user_policy(name, "policy", json.dumps(policy))
        key = users.create_access_key(name)
        return {"AWS_ACCESS_KEY_ID": key.access_key_id, "AWS_SECRET_ACCESS_KEY": key.secret_access_key}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def objects(self) -> list[str]:
        """The names of all objects below the lakehouse."""
        keys = s3_backends[ACCOUNT][PARTITION].buckets[self.bucket].keys
        return [str(name).removeprefix("data/lake/") for name in keys]

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        for fault in self.faults:
            if fault.times > 0 and re.fullmatch(fault.method, method) and fault.path in path:
                fault.times -= 1
                text = f"<?xml version=\"1.0\"?><Error><Code>{fault.code}</Code><Message>As was asked for.</Message></Error>".encode()
                # What wasn't read would be taken for the next request.
                environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
                start_response(fault.status, [("Content-Type", "application/xml"), ("Content-Length", str(len(text)))])
                return [text]
        self.translate(environ)
        if self.is_old:
            # The condition is signed, so that moto mustn't look at the signature once it is gone.
            moto.settings.INITIAL_NO_AUTH_ACTION_COUNT = float("inf")
            environ.pop("HTTP_IF_NONE_MATCH", None)

        def answered(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            if method == "PUT" and status.startswith("200"):
                self.written.append(path)
            if status.startswith("412"):
                self.overtaken.append(path)
            return start_response(status, headers, *more)

        if method == "GET":
            answer: Iterable[bytes] = self._moto(environ, answered)
            return answer
        with self._writing:
            return list(self._moto(environ, answered))

    def translate(self, environ: dict[str, Any]) -> None:
        """A request as moto knows it."""


class Gcs(S3):
    """Google's store by its XML interface, which is that of S3 with other names for conditions and copies. The key asks nobody for tokens:
    those who give them for Google's stores can't be replaced."""

    scheme = "gs"
    signed = False

    @property
    def config(self) -> dict[str, str]:
        key = {"client_email": "etl", "private_key": "", "private_key_id": "1", "disable_oauth": True, "gcs_base_url": self.endpoint}
        return {"GOOGLE_SERVICE_ACCOUNT_KEY": json.dumps(key)}

    def translate(self, environ: dict[str, Any]) -> None:
        # For moto everybody else is anonymous. It doesn't look at the signature here.
        environ["HTTP_AUTHORIZATION"] = f"AWS4-HMAC-SHA256 Credential=etl/20260101/{REGION}/s3/aws4_request, SignedHeaders=host, Signature=0"
        # Google takes the slashes of a name for codes, too.
        query = f"?{environ['QUERY_STRING']}" if environ["QUERY_STRING"] else ""
        environ["RAW_URI"] = environ["REQUEST_URI"] = urllib.parse.quote(environ["PATH_INFO"]) + query
        assert not any(name.startswith("HTTP_X_AMZ") for name in environ)
        if (generation := environ.pop("HTTP_X_GOOG_IF_GENERATION_MATCH", None)) is not None:
            # No object has the generation 0.
            assert generation == "0"
            environ["HTTP_IF_NONE_MATCH"] = "*"
        if (source := environ.pop("HTTP_X_GOOG_COPY_SOURCE", None)) is not None:
            environ["HTTP_X_AMZ_COPY_SOURCE"] = source
