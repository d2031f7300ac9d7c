"""`limlff schema NAME`: JSON schema of a kind of YAML file, for editors."""

from __future__ import annotations

import argparse

from limlff.cli.template import add_arguments, print_names

__all__ = ["add_arguments", "run"]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def run(arguments: argparse.Namespace) -> int:
    """Print the schema, or the names."""
    import json

    from limlff.configurations import find_configuration

    if arguments.name is None:
        print_names()
        return 0
    schema = find_configuration(arguments.name).model().model_json_schema()
    print(json.dumps({"$schema": _DIALECT, **schema}, indent=1, ensure_ascii=False))
    return 0
