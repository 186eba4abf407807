"""Changes rows at the server: nine in ten among the newest twentieth of the keys, the others anywhere. Standard library only."""

import base64
import http.client
import json
import os
import random
import sys
from urllib.parse import urlsplit

BASE = urlsplit(os.environ["CW_BASE_URL"].rstrip("/"))
CREDENTIALS = f"{os.environ['CW_AUTH_USERNAME']}:{os.environ['CW_AUTH_PASSWORD']}"
HEADERS = {
    "Authorization": "Basic " + base64.b64encode(CREDENTIALS.encode()).decode(),
    "clientId": os.environ["CW_CLIENTID"],
    "Content-Type": "application/json",
}


class Server:
    def __init__(self) -> None:
        self.connection = http.client.HTTPConnection(BASE.netloc, timeout=300)

    def ask(self, method: str, path: str, body: str | None = None):
        self.connection.request(method, BASE.path + path, body, HEADERS)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise SystemExit(f"{method} {path}: {answer.status} {text[:300]!r}")
        return json.loads(text)

    def after(self, key: int, count: int) -> list[int]:
        """The lowest ids above one: the server finds them without looking at all rows."""
        return [row["id"] for row in self.ask("GET", f"/time/entries?pageId={key}&pageSize={count}&fields=id")]

    def highest(self) -> int:
        return self.ask("GET", "/time/entries?orderBy=id%20desc&pageSize=1&fields=id")[0]["id"]


wanted = int(sys.argv[1])
draw = random.Random(wanted)
server = Server()
(lowest,), highest = server.after(0, 1), server.highest()
start = highest - (highest - lowest) // 20
newest: list[int] = []
while page := server.after(newest[-1] if newest else start - 1, 1000):
    newest += page
if len(newest) < wanted * 9 // 10:
    raise SystemExit(f"nine in ten of {wanted} changes are more than the {len(newest)} rows among the newest: change fewer")
chosen = set(draw.sample(newest, wanted * 9 // 10))
while len(chosen) < wanted:
    chosen.update(server.after(draw.randrange(lowest - 1, start - 1), 1))
# One after the other: a change that meets another request makes the simulator keep what it was before, all of it.
for key in sorted(chosen):
    patch = json.dumps([{"op": "replace", "path": "/notes", "value": f"changed {key}"}])
    server.ask("PATCH", f"/time/entries/{key}", patch)
