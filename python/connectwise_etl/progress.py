"""One line that says how far a run is, for terminals and notebooks."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TextIO

#: Seconds between two lines.
PACE = 0.25


class Progress(Protocol):
    """What is told of a run: ``event`` is ``started``, ``progress`` or ``finished``, ``step`` what was done, as JSON text.

    Of ``doctor``, ``reconcile``, ``maintain`` and ``verify`` it is told ``done`` for each table or list, with how many are done and how many
    there are in place of rows. It is called by the thread that called them. What it raises ends the work and comes out of it.
    """

    def __call__(self, event: str, table: str, step: str | None, rows: int, expected: int, /) -> object: ...


class Line:
    """Writes one line over and over."""

    def __init__(self, target: TextIO | None = None) -> None:
        self._target = target or sys.stderr
        self._done = 0
        self._last = 0.0
        self._width = 0

    def __call__(self, event: str, table: str, step: str | None, rows: int, expected: int, /) -> None:
        if event == "finished":
            self._done += 1
            return
        now = time.monotonic()
        if now - self._last < PACE:
            return
        self._last = now
        if event == "done":
            self._write(f"{rows:,} of {expected:,} done, {table}")
            return
        of = f" of {expected:,}" if expected else ""
        self._write(f"{self._done} tables done, {table}" + (f": {rows:,}{of} rows" if rows else ""))

    def close(self) -> None:
        """Takes the line away."""
        if self._width:
            self._write("")
            self._target.write("\r")
            self._target.flush()

    def _write(self, text: str) -> None:
        self._target.write("\r" + text.ljust(self._width))
        self._target.flush()
        self._width = len(text)


def chosen(progress: Any) -> Any:
    """The callback that is meant: ``None`` shows a line where somebody looks, ``False`` nothing, ``True`` always a line."""
    if progress is False:
        return None
    if progress is True or (progress is None and _somebody_looks()):
        return Line()
    return progress


@contextmanager
def shown(progress: Any) -> Iterator[Any]:
    """The callback that is meant, whose line is taken away behind the work."""
    callback = chosen(progress)
    try:
        yield callback
    finally:
        if isinstance(callback, Line):
            callback.close()


def _somebody_looks() -> bool:
    stderr = sys.stderr
    # A notebook's cell is no terminal, and its kernel is told by its shell.
    shell = sys.modules.get("IPython")
    kernel = shell is not None and getattr(shell.get_ipython(), "kernel", None) is not None
    return kernel or (stderr is not None and stderr.isatty())
