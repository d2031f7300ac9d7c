"""Settings in the folder of a run: those it is run with, and a note of those that were accepted.

The note says which settings a resumed run was allowed to take, until a checkpoint holds them.
Without it a run that is killed between such a resume and its next checkpoint would have to be told
once more that its settings may differ from those of the checkpoint.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path

from limlff.atomic_file import can_be_replaced, replaced_when_whole
from limlff.config import load_stored_config
from limlff.errors import InputError
from limlff.md.config import MDConfig
from limlff.md.output.names import ACCEPTED, CONFIG
from limlff.stored_settings import with_current_names
from limlff.strict_json import parse_json
from limlff.yaml_file import dump_yaml

_LOG = logging.getLogger(__name__)

_LONGEST_NOTE = 10_000_000  # bytes


def write_settings(config: MDConfig, out: Path) -> None:
    """Write the configuration as it is run.

    Raises:
        InputError: If it cannot be written, or a pipe or device is there, which may wait for ever.
    """
    if not can_be_replaced(out / CONFIG):
        raise InputError(f"{out / CONFIG}: is a pipe or a device, not a file of the run; remove it")
    settings = dump_yaml(config.model_dump(mode="json"))
    try:
        with replaced_when_whole(out / CONFIG) as temporary:
            temporary.write_text(settings, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{out / CONFIG}: cannot be written: {error.strerror}") from error


def read_settings(out: Path, before: MDConfig, overrides: list[str]) -> MDConfig:
    """Settings of md.yaml with changes; those of the checkpoint if there is no md.yaml.

    Args:
        out: The run's folder.
        before: Settings of the checkpoint.
        overrides: Changes, as "section.key=value".

    Raises:
        InputError: If the file cannot be read, or a key or value is not allowed.
    """
    path = out / CONFIG
    if not path.is_file():
        _LOG.warning("%s: is missing; the settings of the checkpoint are used", path)
        write_settings(before, out)
    return load_stored_config(path, MDConfig, overrides)


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
    with replaced_when_whole(checkpoints / ACCEPTED) as temporary:
        temporary.write_text(json.dumps(content) + "\n", encoding="utf-8")


def was_accepted(checkpoints: Path, config: MDConfig) -> str | None:
    """Digest of the potential with which just these settings were accepted before, or None."""
    path = checkpoints / ACCEPTED
    if not path.is_file():
        return None
    try:
        content = parse_json(path.read_bytes()[:_LONGEST_NOTE])
        if with_current_names(content["settings"]) == config.model_dump(mode="json"):
            return str(content["potential"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None
