"""Tables for notebooks. Nothing in them is taken for markup."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

#: Characters of a cell that are shown.
LONGEST = 300


def text(value: object) -> str:
    """A value as people read it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.1f}"
    if isinstance(value, (list, tuple)):
        return ", ".join(str(one) for one in value)
    return str(value)


def shortened(value: str) -> str:
    return value if len(value) <= LONGEST else value[: LONGEST - 1] + "…"


def table(header: Sequence[str], rows: Iterable[Sequence[object]], caption: str = "", footer: str = "") -> str:
    """An HTML table; numbers stand at the right."""
    parts = ["<table>"]
    if caption:
        parts.append(f"<caption>{escape(caption)}</caption>")
    parts.append("<thead><tr>" + "".join(f"<th>{escape(name)}</th>" for name in header) + "</tr></thead><tbody>")
    for row in rows:
        cells = []
        for value in row:
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            style = ' style="text-align: right"' if number else ""
            cells.append(f"<td{style}>{escape(shortened(text(value)))}</td>")
        parts.append("<tr>" + "".join(cells) + "</tr>")
    parts.append("</tbody></table>")
    if footer:
        parts.append(f"<p>{escape(footer)}</p>")
    return "".join(parts)


def plain(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """The same for a terminal."""
    lines = [list(header)]
    for row in rows:
        lines.append(["".join(c if c.isprintable() else "\ufffd" for c in shortened(text(value))) for value in row])
    widths = [min(60, max(len(line[at]) for line in lines)) for at in range(len(header))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines)
