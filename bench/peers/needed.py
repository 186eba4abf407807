"""How many requests the rows need that changed since an instant, as the server counts them: a page of each list for every thousand changed
records, and a bundle for every hundred lists below them. Prints the sum and what it is made of."""

import base64
import json
import math
import os
import sys
import tomllib
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor

from lists import LAKE, lists

PAGE = 1_000
BUNDLE = 100
BASE = os.environ["CW_BASE_URL"].rstrip("/")
LOGIN = base64.b64encode(f"{os.environ['CW_AUTH_USERNAME']}:{os.environ['CW_AUTH_PASSWORD']}".encode()).decode()


def count(path: str, *conditions: str) -> int:
    query = urllib.parse.urlencode({"conditions": " and ".join(filter(None, conditions))})
    headers = {"Authorization": f"Basic {LOGIN}", "clientId": os.environ["CW_CLIENTID"]}
    with urllib.request.urlopen(urllib.request.Request(f"{BASE}{path}/count?{query}", headers=headers)) as answer:
        return json.load(answer)["count"]


since = f"[{sys.argv[1]}]"
flat = {name: (path, f"{changed} > {since}") for name, path, changed in lists() if changed}
with LAKE.open("rb") as file:
    parents = [entity["parent"] for entity in tomllib.load(file)["entity"] if entity.get("parent", {}).get("entity") in flat]
below = [(*flat[parent["entity"]], parent.get("conditions", "")) for parent in parents]
with ThreadPoolExecutor(16) as pool:
    changed = list(pool.map(lambda asked: count(*asked), flat.values()))
    hanging = sum(pool.map(lambda asked: count(*asked), below))
pages = sum(math.ceil(rows / PAGE) for rows in changed)
bundles = math.ceil(hanging / BUNDLE)
json.dump({"requests": pages + bundles, "rows": sum(changed), "pages": pages, "lists": hanging, "bundles": bundles}, sys.stdout)
