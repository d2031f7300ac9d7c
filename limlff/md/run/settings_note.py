"""A note of the settings that a resumed run was allowed to take, until a checkpoint holds them.

Without it a run that is killed between such a resume and its next checkpoint would have to be told
once more that its settings may differ from those of the checkpoint.
"""

from __future__ import annotations

import json
from pathlib import Path

from limlff.atomic_file import replaced_when_whole
from limlff.md.config import MDConfig
from limlff.stored_settings import with_current_names
from limlff.strict_json import parse_json

NOTE = "accepted.json"


def note_settings(checkpoints: Path, config: MDConfig, potential: str) -> None:
    """Write down what was accepted.

    Args:
        checkpoints: Folder of the checkpoints.
        config: The settings.
        potential: Digest of the potential.

    Raises:
        OSError: If it cannot be written.
    """
    content = {"settings": config.model_dump(mode="json"), "potential": potential}
    with replaced_when_whole(checkpoints / NOTE) as temporary:
        temporary.write_text(json.dumps(content) + "\n", encoding="utf-8")


def was_accepted(checkpoints: Path, config: MDConfig) -> str | None:
    """Digest of the potential with which just these settings were accepted before, or None."""
    path = checkpoints / NOTE
    if not path.is_file():
        return None
    try:
        content = parse_json(path.read_bytes()[:10_000_000])
        if with_current_names(content["settings"]) == config.model_dump(mode="json"):
            return str(content["potential"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None
