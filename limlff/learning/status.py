"""How a campaign stands, in lines; also while it runs."""

from __future__ import annotations

import json
import time
from pathlib import Path

from limlff.config import load_stored_config
from limlff.errors import InputError
from limlff.folder_lock import holder_of
from limlff.learning.campaign import Campaign
from limlff.learning.campaign_folder import CURVE, LEDGER, POTENTIAL, SETTINGS, row_in_words
from limlff.learning.executors import site_of
from limlff.learning.ledger import Ledger, open_ledger
from limlff.paths import user_path
from limlff.progress import duration

_COLUMNS = {"done": 8, "running": 9, "queued": 8, "failed": 8}


def campaign_status(out: Path | str) -> str:
    """How a campaign stands, in lines.

    Raises:
        InputError: If the folder holds no campaign.
    """
    folder = user_path(out)
    with open_ledger(folder / LEDGER, read_only=True) as ledger:
        lines = [*_who_is_at_it(folder, ledger), "", *_tasks(ledger, _most_at_once(folder))]
        failed = ledger.records(state="failed")
    lines += [f"failed: {record.task.kind}: {record.reason}" for record in failed]
    return "\n".join([*lines, *_curve_in_lines(folder / CURVE)])


def _who_is_at_it(folder: Path, ledger: Ledger) -> list[str]:
    """Whether a process works on the campaign, and where it is."""
    holder, changed = holder_of(folder), ledger.last_change()
    open_tasks = {state for states in ledger.counts().values() for state in states}
    if holder is not None:
        first = f"{holder} is at it"
    elif (folder / POTENTIAL).is_file() and not open_tasks & {"running", "queued"}:
        first = "no process is at it: it has ended"
    else:
        first = f"no process is at it; go on with: limlff resume {folder}"
        if "running" in open_tasks:
            first += " (what was running begins again)"
    iterations = [int(path.name[-3:]) for path in folder.glob("iteration-[0-9][0-9][0-9]")]
    where = [f"iteration {max(iterations)}"] if iterations else []
    if changed is not None:
        ago = duration(max(0.0, time.time() - changed))
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(changed))
        where.append(f"the last task began or ended {ago} ago, {when}")
    return [first, "; ".join(where)] if where else [first]


def _tasks(ledger: Ledger, most: dict[str, int]) -> list[str]:
    """A line for each kind of task; those that are begun but wait for others count as queued."""
    heads = "".join(f"{name:>{width}}" for name, width in _COLUMNS.items())
    lines = [f"{'':10}{heads}{'core hours':>12}"]
    for kind, states in ledger.counts().items():
        begun = states.get("running", 0)
        running = min(begun, most.get(kind, begun))
        shown = {**states, "running": running, "queued": states.get("queued", 0) + begun - running}
        row = "".join(f"{shown.get(name, 0):>{width}}" for name, width in _COLUMNS.items())
        lines.append(f"{kind:10}{row}{ledger.cost(kind).core_seconds / 3600:>12.3g}")
    return lines


def _most_at_once(folder: Path) -> dict[str, int]:
    """How many tasks of a kind this machine does at once; on workers it is theirs to say."""
    try:
        campaign = load_stored_config(folder / SETTINGS, Campaign)
        on_workers = site_of(campaign).on_workers()
    except InputError:  # resume says what is wrong with them
        return {}
    here = {
        "explore": ("dynamics", campaign.explore.at_once),
        "label": ("dft", campaign.label_at_once),
    }
    return {kind: most for kind, (block, most) in here.items() if block not in on_workers}


def _curve_in_lines(path: Path) -> list[str]:
    """The learning curve, a line for each potential; nothing if it is missing or damaged."""
    try:
        return [row_in_words(row) for row in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return []
