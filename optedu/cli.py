"""The `optedu` command; each subcommand lives with what it does."""

from __future__ import annotations

import importlib
import sys

import click

_DESK = "optedu.desk.command"
_COMMANDS = {
    "doctor": (_DESK, "doctor", "Say what is there on this machine and what is missing."),
    "quickstart": (_DESK, "quickstart", "Make the folder of a course."),
    "roster": (_DESK, "roster", "Import the class from a CSV file; who has not handed in."),
    "assignment": (_DESK, "assignment", "Begin an assignment of one's own."),
    "release": (_DESK, "release", "Generate and hand out the student version."),
    "due": (_DESK, "due", "Set or say due dates, extensions, and who is late."),
    "collect": (
        _DESK,
        "collect",
        "Put submissions into the course, from ZIP files or the exchange.",
    ),
    "grade": ("optedu.grading.command", "grade", "Grade a class of notebooks."),
    "feedback": (_DESK, "feedback", "Write what students get back."),
    "export": (_DESK, "export", "Write grades as Canvas, Moodle or a spreadsheet takes them."),
}


class _Lazy(click.Group):
    """A group that imports a subcommand when it is asked for: `optedu --help` stays instant."""

    def list_commands(self, ctx):
        return list(_COMMANDS)

    def get_command(self, ctx, name):
        if name not in _COMMANDS:
            return None
        module, attribute, _ = _COMMANDS[name]
        return getattr(importlib.import_module(module), attribute)

    def main(self, *args, standalone_mode=True, **extra):
        """Run a command; what is wrong with its options is one line, too."""
        if not standalone_mode:
            return super().main(*args, standalone_mode=False, **extra)
        try:
            code = super().main(*args, standalone_mode=False, **extra)
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            code = error.exit_code
        except click.ClickException as error:
            context = getattr(error, "ctx", None)
            name = f"optedu {context.info_name}" if context and context.parent else "optedu"
            message = " ".join(error.format_message().split())
            click.echo(f"{name}: {message} (see {name} --help)", err=True)
            code = error.exit_code
        except click.Abort:
            click.echo("optedu: interrupted", err=True)
            code = 130
        sys.exit(code if isinstance(code, int) else 0)

    def format_commands(self, ctx, formatter):
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in _COMMANDS.items()])


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """First-order optimization: derive it, prove it, implement it, grade it."""
