"""The program `optedu`, also as `python -m optedu`, and where its extras are not installed."""

from __future__ import annotations

import sys


def main() -> int:
    r"""Run the command that was asked for; return the exit status where that is not click's to say.

    Without click there is no command but `optedu doctor`, which needs none.
    """
    try:
        from optedu.cli import main as commands
    except ModuleNotFoundError as error:
        if error.name != "click":
            raise
        if sys.argv[1:] == ["doctor"]:
            from optedu.desk.doctor import report

            text, status = report()
            print(text)
            return status
        print("optedu: click is missing: pip install 'optedu[grade]'", file=sys.stderr)
        return 2
    commands(prog_name="optedu")
    return 0


if __name__ == "__main__":
    sys.exit(main())
