"""Subcommands of `limlff`; thin, and quick to import."""
