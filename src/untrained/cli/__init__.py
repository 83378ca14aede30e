"""The command line: parsing and printing only. Heavy modules are imported inside the commands."""

from untrained.cli import commands
from untrained.cli.main import app, main

__all__ = ["app", "commands", "main"]
