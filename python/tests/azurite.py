"""Azurite, which Microsoft makes, behind a front that knows tokens, counts, fails where a test wants it to, and lists as Azure does."""

from __future__ import annotations

import datetime
import http.client
import ipaddress
import os
import pathlib
import re
import ssl
import subprocess
import time
import urllib.parse
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from onelake import Handler, Store, jwt

#: Where python/test left the program; it takes node.
PROGRAM = os.environ.get("AZURITE_BLOB", "")
ACCOUNT = "onelake"
HEADERS_OF_A_CONNECTION = ("connection", "content-length", "date", "keep-alive", "server", "transfer-encoding")


def certificates(folder: pathlib.Path) -> pathlib.Path:
    """A certificate of this machine's address and its key, and the authority that gave it, in files of a folder."""
    now = datetime.datetime.now(datetime.timezone.utc)

    def certificate(name: str, key: Any, issuer: str, signer: Any, *extensions: x509.ExtensionType) -> bytes:
        builder = x509.CertificateBuilder(
            x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer)]),
            x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]),
            key.public_key(),
            x509.random_serial_number(),
            now - datetime.timedelta(hours=1),
            now + datetime.timedelta(hours=12),
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    authority, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    trusted = certificate("tests", authority, "tests", authority, x509.BasicConstraints(ca=True, path_length=0))
    (folder / "ca.pem").write_bytes(trusted)
    (folder / "own.pem").write_bytes(certificate("store", own, "tests", authority, x509.BasicConstraints(ca=False, path_length=None), address))
    pem = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "own.key").write_bytes(own.private_bytes(*pem))
    return folder


class Azurite(Store):
    """The store, with an empty container for a workspace. Its certificate has to be trusted: ``SSL_CERT_FILE`` names its authority's."""

    def __init__(self, folder: pathlib.Path, workspace: str) -> None:
        certificates(folder)
        arguments = "--blobPort 0 --inMemoryPersistence --oauth basic --skipApiVersionCheck --loose --disableTelemetry --silent"
        program = [PROGRAM, *arguments.split(), "--cert", str(folder / "own.pem"), "--key", str(folder / "own.key")]
        environment = {**os.environ, "AZURITE_ACCOUNTS": f"{ACCOUNT}:a2V5"}
        self._process = subprocess.Popen(program, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        said = ""
        while not (found := re.search(r"successfully listens? on https://127\.0\.0\.1:(\d+)", said)):
            line = self._process.stdout.readline()
            assert line, said
            said += line
        self.port = int(found[1])
        self.trust = ssl.create_default_context(cafile=str(folder / "ca.pem"))
        super().__init__(handler=Front)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "own.pem", folder / "own.key")
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.container = workspace
        assert self.ask("PUT", "restype=container")[0] == 201
        self.serve()

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.server_port}/{ACCOUNT}"

    @property
    def config(self) -> dict[str, str]:
        return {"AZURE_STORAGE_ENDPOINT": self.url}

    @property
    def names(self) -> list[str]:
        names, marker = [], ""
        while True:
            status, body = self.ask("GET", f"restype=container&comp=list&marker={urllib.parse.quote(marker)}")
            assert status == 200
            names += [f"{self.container}/{name}" for name in re.findall(r"<Name>(.*?)</Name>", body)]
            if not (more := re.search(r"<NextMarker>(.+?)</NextMarker>", body)):
                return names
            marker = more[1]

    def ask(self, method: str, query: str) -> tuple[int, str]:
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=self.trust)
        headers = {"Authorization": f"Bearer {jwt(time.time() + 3_600)}", "x-ms-version": "2023-11-03", "Content-Length": "0"}
        connection.request(method, f"/{ACCOUNT}/{self.container}?{query}", headers=headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def close(self) -> None:
        super().close()
        self._process.terminate()
        self._process.wait()


class Front(Handler):
    server: Azurite
    behind: http.client.HTTPSConnection | None = None

    def let_in(self) -> None:
        """Azurite decides that."""
        self.server.requests += 1
        self.server.tokens.add((self.headers["Authorization"] or "").removeprefix("Bearer "))

    def call(self, body: bytes) -> None:
        self.behind = self.behind or http.client.HTTPSConnection("127.0.0.1", self.server.port, context=self.server.trust)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
        self.behind.request(self.command, self.path, body, headers)
        answer = self.behind.getresponse()
        text = answer.read()
        if answer.status in (401, 403):
            self.server.refused.append(f"{self.command} {self.path}")
        # Azurite doesn't know where a list is to begin, and sends all of it.
        if (begin := self.asked.get("startFrom")) and self.asked.get("comp") == "list":
            blob = re.compile(r"<Blob><Name>(.*?)</Name>.*?</Blob>", re.DOTALL)
            text = blob.sub(lambda found: "" if found[1] < begin else found[0], text.decode()).encode()
        kept = {name: value for name, value in answer.getheaders() if name.lower() not in HEADERS_OF_A_CONNECTION}
        if self.command == "HEAD":
            kept["Content-Length"] = answer.getheader("Content-Length") or "0"
        self.send(answer.status, text, kept)

    def finish(self) -> None:
        super().finish()
        if self.behind is not None:
            self.behind.close()
