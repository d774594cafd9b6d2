"""How a command ends: with a status, and with one line where something went wrong."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable

import click

from optedu.grading.errors import NotForTwoKernels, RunError, UsageError

__all__ = ["one_line"]


def one_line(again: str = "", *, stopped: int = 2) -> Callable[..., Callable[..., None]]:
    r"""Make what a command returns its output and status, and its errors one line each.

    A command returns its text, or its text and its exit status; without one that is 0.

    Parameters
    ----------
    again : str
        What to do where the command stopped on its way, as a sentence.
    stopped : int
        The status then. What was asked wrongly ends with 2, and nothing was written.
    """

    def decorate(function: Callable[..., str | tuple[str, int]]) -> Callable[..., None]:
        @click.option("--debug", is_flag=True, help="Show tracebacks.")
        @functools.wraps(function)
        def command(*arguments, debug, **options):
            try:
                said = function(*arguments, **options)
                text, code = said if isinstance(said, tuple) else (said, 0)
                if text:
                    click.echo(text)
            except UsageError as error:
                code = _fail(error, 2, debug)
            except NotForTwoKernels as error:
                code = _fail(error, 3, debug)
            except RunError as error:
                code = _fail(f"{error}. {again}" if again else error, stopped, debug)
            except ModuleNotFoundError as error:
                package = (error.name or "").partition(".")[0]
                if package == "optedu":
                    raise
                code = _fail(f"{package} is missing: pip install 'optedu[grade]'", 2, debug)
            except OSError as error:
                what = f"{error.filename}: {error.strerror}" if error.filename else error
                code = _fail(what, stopped, debug)
            except KeyboardInterrupt:
                code = _fail(f"interrupted. {again}" if again else "interrupted", 130, debug)
            except Exception as error:
                code = _fail(f"{type(error).__name__}: {error} (--debug shows where)", 1, debug)
            sys.exit(code)

        return command

    return decorate


def _fail(message: object, code: int, debug: bool) -> int:
    if debug:
        raise
    name = click.get_current_context().info_name
    click.echo(f"optedu {name}: {' '.join(str(message).split())}", err=True)
    return code
