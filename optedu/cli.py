"""The `optedu` command; each subcommand lives with what it does."""

from __future__ import annotations

import importlib

import click

_COMMANDS = {"grade": ("optedu.grading.command", "grade", "Grade a class of notebooks.")}
_EXTRAS = {"optedu.grading.command": "grade"}


class _Lazy(click.Group):
    """A group that imports a subcommand when it is asked for: `optedu --help` stays instant."""

    def list_commands(self, ctx):
        return sorted(_COMMANDS)

    def get_command(self, ctx, name):
        if name not in _COMMANDS:
            return None
        module, attribute, _ = _COMMANDS[name]
        try:
            return getattr(importlib.import_module(module), attribute)
        except ModuleNotFoundError as error:
            raise click.ClickException(
                f"{error.name} is missing: pip install 'optedu[{_EXTRAS[module]}]'"
            ) from error

    def format_commands(self, ctx, formatter):
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in sorted(_COMMANDS.items())])


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """First-order optimization: derive it, prove it, implement it, grade it."""
