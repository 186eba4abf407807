"""The program ``connectwise-etl``, as ``python -m connectwise_etl`` runs it, too."""

from __future__ import annotations

import signal
import sys

from . import _native


def main() -> int:
    """Runs the program with the process's arguments and returns its exit code."""
    # The program hears Ctrl-C itself, and ends with every table at its last commit.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _native.main(["connectwise-etl", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
