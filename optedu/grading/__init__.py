"""Grade a class of notebooks: isolated, in parallel, into the gradebook of nbgrader."""

import sys


def _skip_slow_grammar() -> None:
    """Import jsonschema without the grammar of URIs that it would compile for a second.

    Notebook schemas have no such field to check, and jsonschema treats the grammar as optional.
    """
    if "jsonschema" in sys.modules or "rfc3987_syntax" in sys.modules:
        return
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
    try:
        import jsonschema  # noqa: F401
    except ImportError:
        pass
    finally:
        del sys.modules["rfc3987_syntax"]


_skip_slow_grammar()
