"""Parsl's interchange, between a campaign and its workers, that ends with the campaign.

Parsl starts it as a process of its own, which would outlive a campaign that is killed, and keep its
workers waiting until the end of their jobs. Without it they end by themselves.

    python -m limlff.learning.cluster.interchange PARENT
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time

_LOOK_SECONDS = 0.5


def main(parent: int) -> None:
    """Run the interchange as long as the process with the number `parent` is there."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the campaign to hear
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    runpy.run_module("parsl.executors.high_throughput.interchange", run_name="__main__")


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]))
