"""`limlff template NAME`: commented YAML with all settings of a command and their defaults."""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument(
        "name", nargs="?", metavar="NAME", help="kind of YAML file; left out, all are listed"
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the template, or the names."""
    from limlff.configurations import find_configuration
    from limlff.template import make_template

    if arguments.name is None:
        print_names()
        return 0
    found = find_configuration(arguments.name)
    print(make_template(found.model(), found.command), end="")
    return 0


def print_names() -> None:
    """Print all kinds of YAML files with the commands that read them."""
    from limlff.configurations import configurations

    for name, configuration in configurations().items():
        print(f"{name:12} {configuration.command}")
