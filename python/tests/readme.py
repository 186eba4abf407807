"""The Python of the documents, for the tests that run it."""

from __future__ import annotations

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]


def chapter(heading: str) -> list[str]:
    """The Python of a chapter of the README."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"\n## {heading}\n" in text
    return python(text.split(f"\n## {heading}\n")[1].split("\n## ")[0])


def python(text: str) -> list[str]:
    """The Python of a document."""
    return re.findall(r"```python\n(.*?)```", text, re.S)
