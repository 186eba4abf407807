"""The document for users of the package before: what it says is there, and its calls run as they stand."""

from __future__ import annotations

import pathlib
import re
from typing import Any

import pytest
from conftest import SCALE, Tenant, table
from readme import ROOT, python

import connectwise_etl as cw
from connectwise_etl import transforms, utils

TEXT = (ROOT / "docs/switching.md").read_text(encoding="utf-8")


def rows(chapter: str) -> list[tuple[str, str]]:
    """What was and what is, by a chapter's table."""
    body = TEXT.split(f"\n## {chapter}\n")[1].split("\n## ")[0]
    found = [line.strip("|").split(" | ") for line in body.splitlines() if line.startswith("| ") and not line.startswith("| was")]
    assert all(len(row) == 2 for row in found) and len(found) > 8
    return [(was.strip(), now.strip()) for was, now in found]


def test_the_calls_run_as_they_stand(tenant: Tenant, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in tenant.config.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CW_LAKEHOUSE", str(tmp_path / "lake"))
    (block,) = python(TEXT)
    exec(block, {"spark": object()})
    assert table(tmp_path / "lake", "gold/fact_timeentry").num_rows == SCALE


def test_every_table_that_is_named_is_there() -> None:
    there = {f"{one['layer']}.{one['table']}" for one in cw.schema()}
    named = {name for _, now in rows("Tables") for name in re.findall(r"`([a-z]+\.[a-z_]+)`", now)}
    # The history of a table has the columns of silver, and stands beside it.
    assert len(named) > 10 and {name.removesuffix("_history") for name in named} <= there
    for was, now in rows("Tables"):
        if now == "`gold.dimcompany` and so on":
            kept = re.findall(r"`([a-z.]+)`", was)
            assert len(kept) == 10 and set(kept) <= there
    for name, columns in {"dimmember": {"memberId"}, "fact_productitem": {"ProductItemSK", "productItemId"}}.items():
        assert columns <= {column["name"] for column in cw.schema(name)}


def test_every_call_that_is_named_is_there_and_the_others_are_not() -> None:
    places: dict[str, Any] = {"client": cw.ConnectWiseClient, "utils": utils, "transforms": transforms}
    for was, _ in rows("Calls"):
        for place, name in re.findall(r"(client|utils|transforms)\.(\w+)", was):
            assert hasattr(places[place], name), name
    assert cw.ConnectWiseExtractor is cw.ConnectWiseClient
    gone: dict[str, Any] = {name: getattr(cw, name, None) for name in ("models", "entity_configs", "extractor")}
    # When one of them comes, the document has to say so.
    assert set(gone.values()) == {None} and all(f"`{name}`" in TEXT for name in gone)
