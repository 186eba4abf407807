"""The example notebooks: what their cells do, one after the other, and that nobody's output is in them."""

from __future__ import annotations

import ast
import json
import pathlib
from collections.abc import Iterator
from typing import Any

import nbformat
import pytest
from conftest import Notebook, Rest, Tenant, table

import connectwise_etl as cw

EXAMPLES = pathlib.Path(__file__).resolve().parents[1] / "examples"


def cells(name: str) -> Iterator[tuple[str, list[str]]]:
    """The code cells of a notebook with their tags, without the lines that only a notebook's shell understands."""
    for cell in json.loads((EXAMPLES / name).read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            lines = [line for line in cell["source"] if not line.startswith("%")]
            yield "".join(lines), cell["metadata"].get("tags", [])


def ran(name: str, **parameters: object) -> dict[str, Any]:
    """What a notebook leaves: its names, and below `shown` what its cells show. Parameters are set as a pipeline sets them."""
    names: dict[str, Any] = {}
    shown = []
    for source, tags in cells(name):
        module = ast.parse(source, name)
        last = module.body.pop() if module.body and isinstance(module.body[-1], ast.Expr) else None
        exec(compile(module, name, "exec"), names)
        if isinstance(last, ast.Expr):
            shown.append(eval(compile(ast.Expression(last.value), name, "eval"), names))
        if "parameters" in tags:
            assert names.keys() >= parameters.keys()
            names.update(parameters)
    return {**names, "shown": shown}


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("*.ipynb")))
def test_notebooks_are_valid_and_hold_nobodys_output(name: str) -> None:
    read = json.loads((EXAMPLES / name).read_text(encoding="utf-8"))
    nbformat.validate(read)
    code = [cell for cell in read["cells"] if cell["cell_type"] == "code"]
    assert len(code) > 5 and [(cell["outputs"], cell["execution_count"]) for cell in code] == [([], None)] * len(code)


def test_the_first_notebook(tmp_path: pathlib.Path) -> None:
    left = ran("first.ipynb")
    facts = table(tmp_path / "demo-lakehouse", "gold/fact_timeentry")
    assert facts.num_rows == 2_000
    by_company: dict[str, Any] = {}
    for row in facts.to_pylist():
        if not row["isDeleted"]:
            by_company[row["companyName"]] = by_company.get(row["companyName"], 0) + row["actualHours"]
    expected = sorted(by_company.values(), reverse=True)[:10]
    report, hours, pandas, polars, above, outcomes, status, _ = left["shown"]
    assert "fact_timeentry" in report._repr_html_() and "companyName" in hours._repr_html_()
    assert list(pandas["hours"]) == polars["hours"].to_list() == expected
    assert len(above) == sum(value > sum(expected) / len(expected) for value in expected) > 0
    assert outcomes == {"unchanged"} and "fact_timeentry" in status._repr_html_()


def test_the_notebook_for_fabric(
    notebook: Notebook, rest: Rest, shared: Tenant, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook.vault = {name.replace("_", "-"): value for name, value in shared.config.items()}
    notebook.context["isForPipeline"] = True
    monkeypatch.setattr(cw.fabric, "ONELAKE", str(tmp_path / "{workspace}/{lakehouse}/Tables"))
    attached = tmp_path / notebook.context["currentWorkspaceId"] / notebook.context["defaultLakehouseId"] / "Tables"
    rest.answers = [(403, {}, {"errorCode": "InsufficientPrivileges", "message": "no Contributor"})]
    left = ran("fabric.ipynb", vault="https://mine.vault.azure.net/", mode="full")
    assert left["shown"][0] == str(attached) and len(rest.asked) == 1
    assert table(attached, "gold/fact_timeentry").num_rows == shared.counted("TimeEntry")
    hours = sum(row["actualHours"] for row in table(attached, "gold/fact_timeentry").to_pylist() if not row["isDeleted"])
    assert sum(left["facts"]["hours"]) == hours
    assert f"/connectwise_etl-{cw.__version__}-" in (EXAMPLES / "fabric.ipynb").read_text(encoding="utf-8")
    (value,) = notebook.ended
    assert json.loads(value)["runId"] == left["report"].run_id == left["status"].runs[0]["runId"]
    # Another run finds nothing new, and there is nothing for the endpoint to see.
    assert ran("fabric.ipynb")["report"].outcome == "done" and len(rest.asked) == 1
