"""`limlff schema NAME`: JSON schema of a kind of YAML file, for editors."""

from __future__ import annotations

import argparse

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument(
        "name", nargs="?", metavar="NAME", help="kind of YAML file; left out, all are listed"
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the schema, or the names."""
    import json

    from limlff.cli.template import print_names
    from limlff.configurations import find_configuration

    if arguments.name is None:
        print_names()
        return 0
    schema = find_configuration(arguments.name).model().model_json_schema()
    print(json.dumps({"$schema": _DIALECT, **schema}, indent=1, ensure_ascii=False))
    return 0
