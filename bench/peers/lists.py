"""The lists without parents that connectwise-etl loads: name, path, and the property of their change time where they have one."""

import pathlib
import tomllib

LAKE = pathlib.Path(__file__).parents[2] / "openapi" / "lake.toml"


def lists() -> list[tuple[str, str, str | None]]:
    with LAKE.open("rb") as file:
        entities = tomllib.load(file)["entity"]
    changed = {"incremental": "_info/lastUpdated", "snapshot": None}
    return [
        (entity["name"], entity["path"], entity.get("watermark", changed[entity["load"]]))
        for entity in entities
        if entity["load"] != "children"
    ]
