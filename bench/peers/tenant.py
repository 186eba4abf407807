"""The server under test, from the environment."""

import os
import threading

import requests

BASE = os.environ["CW_BASE_URL"].rstrip("/")


def session() -> requests.Session:
    opened = requests.Session()
    opened.auth = (os.environ["CW_AUTH_USERNAME"], os.environ["CW_AUTH_PASSWORD"])
    opened.headers["clientId"] = os.environ["CW_CLIENTID"]
    return opened


class Counted:
    """Pages of time entries, and what they took."""

    def __init__(self) -> None:
        self.rows = self.requests = self.bytes = 0
        # dlt reads several lists at once.
        self.lock = threading.Lock()

    def pages(self, opened: requests.Session, since: str | None = None, path: str = "/time/entries", changed: str = "lastUpdated"):
        """All records of a list, or those that changed since an instant of the server's."""
        page = 1
        while True:
            query = {"pageSize": 1000, "page": page, "orderBy": "id asc"}
            if since:
                query["conditions"] = f"{changed} > [{since}]"
            answer = opened.get(BASE + path, params=query, timeout=300)
            answer.raise_for_status()
            records = answer.json()
            with self.lock:
                self.requests += 1
                self.bytes += len(answer.content)
                self.rows += len(records)
            if not records:
                return
            yield records
            if len(records) < 1000:
                return
            page += 1

    def told(self) -> dict:
        return {"rows": self.rows, "requests": self.requests, "bytes": self.bytes}
