"""The workflows that can only run elsewhere: what linters find in them, and that the release is where installers look for it."""

from __future__ import annotations

import pathlib
import re
import shutil
import subprocess
import sys

import pytest
from readme import ROOT

WORKFLOWS = ROOT / ".github" / "workflows"
LINTERS = {"actionlint": ["actionlint"], "zizmor": ["zizmor", "--offline", "--no-progress"]}


def found(linter: str, workflows: list[pathlib.Path]) -> str:
    """What a linter finds, or nothing."""
    program, *options = LINTERS[linter]
    command = [str(pathlib.Path(sys.executable).with_name(program)), *options, *map(str, workflows)]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    return "" if ended.returncode == 0 else f"{ended.returncode}\n{ended.stdout}{ended.stderr}"


@pytest.mark.parametrize("linter", LINTERS)
def test_linters_find_nothing_in_the_workflows(linter: str) -> None:
    workflows = sorted(WORKFLOWS.glob("*.yml"))
    assert len(workflows) >= 4 and found(linter, workflows) == ""


@pytest.mark.parametrize(
    ("linter", "good", "bad", "said"),
    [
        ("actionlint", "needs: build", "needs: built", "built"),
        ("zizmor", "checkout@3d3c42e5aac5ba805825da76410c181273ba90b1", "checkout@v7", "unpinned-uses"),
    ],
)
def test_linters_would_find_something(linter: str, good: str, bad: str, said: str, tmp_path: pathlib.Path) -> None:
    # zizmor tells a workflow by its folder.
    folder = tmp_path / ".github" / "workflows"
    shutil.copytree(WORKFLOWS, folder)
    text = (folder / "release.yml").read_text(encoding="utf-8")
    assert good in text
    (folder / "release.yml").write_text(text.replace(good, bad), encoding="utf-8")
    assert said in found(linter, [folder / "release.yml"])


def test_cargo_binstall_finds_what_the_workflow_packs() -> None:
    manifest = (ROOT / "etl/cli/Cargo.toml").read_text(encoding="utf-8").split("[package.metadata.binstall]")[1].split("\n[")[0]
    where = dict(re.findall(r'^([a-z-]+) = "(.*)"$', manifest, re.M))
    workflow = (WORKFLOWS / "release.yml").read_text(encoding="utf-8")
    folder = where["bin-dir"].removesuffix("/{ bin }{ binary-ext }").replace("{ target }", "$TARGET")
    assert f'folder="{folder}"' in workflow and 'tar -czf "out/$folder.tar.gz" "$folder"' in workflow
    assert where["pkg-url"] == f"{{ repo }}/releases/download/v{{ version }}/{folder.replace('$TARGET', '{ target }')}.tar.gz"
