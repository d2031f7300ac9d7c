"""`python -m limlff` is the command `limlff`."""

from __future__ import annotations

import sys

from limlff.cli.main import main

if __name__ == "__main__":  # processes of a study import this module again
    sys.exit(main())
