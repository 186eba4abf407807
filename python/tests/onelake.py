"""A store that answers as Azure's Blob service does to the calls that are made of one, and lets in whoever shows a token that is good."""

from __future__ import annotations

import base64
import email.utils
import http.server
import json
import re
import threading
import time
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

AUDIENCE = "https://storage.azure.com"
#: Blobs of one answer to a list.
PAGE = 200


def jwt(ends: float, audience: str = AUDIENCE) -> str:
    """An access token, as far as a store looks into it."""

    def part(claims: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")

    begins = int(time.time()) - 60
    claims = {"aud": audience, "exp": ends, "iat": begins, "nbf": begins, "iss": "https://sts.windows.net/tests/"}
    return f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(claims)}.c2lnbmF0dXJl"


@dataclass
class Blob:
    data: bytes
    tag: str
    time: str


@dataclass
class Fault:
    """What requests are answered with in place of what they ask for."""

    status: int
    code: str
    method: str = "GET|HEAD|PUT|POST"
    path: str = ""
    times: int = 1_000_000


class Store(http.server.ThreadingHTTPServer):
    """The store. ``url`` is its endpoint."""

    daemon_threads = True

    def __init__(self, handler: type[Handler] | None = None) -> None:
        self.blobs: dict[str, Blob] = {}
        self.blocks: dict[str, bytes] = {}
        self.faults: list[Fault] = []
        #: Tokens that were shown, and requests that were refused for theirs.
        self.tokens: set[str] = set()
        self.refused: list[str] = []
        self.requests = 0
        self.writes = 0
        self.lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), handler or Handler)

    def serve(self) -> None:
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def config(self) -> dict[str, str]:
        return {"AZURE_STORAGE_ENDPOINT": self.url, "AZURE_ALLOW_HTTP": "true"}

    @property
    def names(self) -> list[str]:
        """The names of all blobs, behind that of their container."""
        return list(self.blobs)

    def close(self) -> None:
        self.shutdown()
        self.server_close()

    def put(self, name: str, data: bytes) -> Blob:
        self.writes += 1
        blob = Blob(data, f'"0x{self.writes:016X}"', email.utils.formatdate(usegmt=True))
        self.blobs[name] = blob
        return blob


class Refused(Exception):
    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


class Handler(http.server.BaseHTTPRequestHandler):
    server: Store
    protocol_version = "HTTP/1.1"
    # Headers and body in one packet.
    wbufsize = -1
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        pass

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        split = urllib.parse.urlsplit(self.path)
        self.name = urllib.parse.unquote(split.path).strip("/")
        self.asked = dict(urllib.parse.parse_qsl(split.query, keep_blank_values=True))
        try:
            with self.server.lock:
                self.let_in()
                for fault in self.server.faults:
                    if fault.times > 0 and re.fullmatch(fault.method, self.command) and fault.path in self.path:
                        fault.times -= 1
                        raise Refused(fault.status, fault.code)
            self.call(body)
        except Refused as refused:
            text = f"<?xml version=\"1.0\"?><Error><Code>{refused.code}</Code><Message>As was asked for.</Message></Error>"
            self.send(refused.status, text.encode(), {"x-ms-error-code": refused.code})

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer

    def call(self, body: bytes) -> None:
        called: Callable[[bytes], None] = getattr(self, f"{self.command.lower()}_{self.asked.get('comp', 'blob')}")
        with self.server.lock:
            called(body)

    def let_in(self) -> None:
        self.server.requests += 1
        token = (self.headers["Authorization"] or "").removeprefix("Bearer ")
        self.server.tokens.add(token)
        try:
            claims = token.split(".")[1]
            told = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
        except (IndexError, ValueError):
            told = {}
        if told.get("aud") != AUDIENCE or told.get("exp", 0) <= time.time():
            self.server.refused.append(f"{self.command} {self.path}")
            raise Refused(401, "InvalidAuthenticationInfo")

    def found(self) -> Blob:
        blob = self.server.blobs.get(self.name)
        if blob is None:
            raise Refused(404, "BlobNotFound")
        return blob

    def get_blob(self, _: bytes) -> None:
        blob = self.found()
        data, status, headers = blob.data, 200, {"ETag": blob.tag, "Last-Modified": blob.time}
        if (wanted := self.headers["Range"]) and data:
            first, last = wanted.removeprefix("bytes=").split("-")
            end = min(int(last) + 1 if last else len(data), len(data))
            if int(first) >= len(data):
                raise Refused(416, "InvalidRange")
            data, status = data[int(first) : end], 206
            headers["Content-Range"] = f"bytes {first}-{end - 1}/{len(blob.data)}"
        self.send(status, data, headers)

    head_blob = get_blob

    def get_list(self, _: bytes) -> None:
        begin, slash = self.asked.get("prefix", ""), self.asked.get("delimiter", "")
        start = self.asked.get("marker") or self.asked.get("startFrom", "")
        inside = (name.removeprefix(f"{self.name}/") for name in sorted(self.server.blobs) if name.startswith(f"{self.name}/"))
        entries: dict[str, Blob | None] = {}
        for name in inside:
            if not name.startswith(begin) or name < start:
                continue
            head, found, _rest = name[len(begin) :].partition(slash) if slash else (name, "", "")
            if found:
                entries[f"{begin}{head}{slash}"] = None
            else:
                entries[name] = self.server.blobs[f"{self.name}/{name}"]
        names = list(entries)
        more = names[PAGE] if len(names) > PAGE else ""
        text = "".join(self.entry(name, entries[name]) for name in names[:PAGE])
        body = f"<?xml version=\"1.0\"?><EnumerationResults><Blobs>{text}</Blobs><NextMarker>{escape(more)}</NextMarker></EnumerationResults>"
        self.send(200, body.encode(), {"Content-Type": "application/xml"})

    @staticmethod
    def entry(name: str, blob: Blob | None) -> str:
        if blob is None:
            return f"<BlobPrefix><Name>{escape(name)}</Name></BlobPrefix>"
        properties = {"Last-Modified": blob.time, "Etag": blob.tag, "Content-Length": len(blob.data), "Content-Type": "binary"}
        inner = "".join(f"<{key}>{escape(str(value))}</{key}>" for key, value in properties.items())
        return f"<Blob><Name>{escape(name)}</Name><Properties>{inner}</Properties></Blob>"

    def put_blob(self, body: bytes) -> None:
        if self.headers["If-None-Match"] == "*" and self.name in self.server.blobs:
            raise Refused(409, "BlobAlreadyExists")
        if source := self.headers["x-ms-copy-source"]:
            self.name, name = urllib.parse.unquote(urllib.parse.urlsplit(source).path).strip("/"), self.name
            body = self.found().data
            self.name = name
        self.written(body)

    def put_block(self, body: bytes) -> None:
        self.server.blocks[f"{self.name}?{self.asked['blockid']}"] = body
        self.send(201, b"", {})

    def put_blocklist(self, body: bytes) -> None:
        blocks = re.findall(r"<(?:Latest|Uncommitted)>(.*?)</", body.decode())
        self.written(b"".join(self.server.blocks.pop(f"{self.name}?{block}") for block in blocks))

    def written(self, data: bytes) -> None:
        blob = self.server.put(self.name, data)
        self.send(201, b"", {"ETag": blob.tag, "Last-Modified": blob.time, "x-ms-copy-status": "success"})

    def post_batch(self, body: bytes) -> None:
        answers = []
        for number, path in re.findall(r"Content-ID: (\d+).*?DELETE (\S+) HTTP", body.decode(), re.DOTALL):
            gone = self.server.blobs.pop(urllib.parse.unquote(path).strip("/"), None)
            status = "202 Accepted" if gone else "404 The specified blob does not exist."
            answers.append(f"--answer\r\nContent-Type: application/http\r\nContent-ID: {number}\r\n\r\nHTTP/1.1 {status}\r\nServer: Blob\r\n\r\n")
        text = "".join(answers) + "--answer--\r\n"
        self.send(202, text.encode(), {"Content-Type": "multipart/mixed; boundary=answer"})

    def send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()
