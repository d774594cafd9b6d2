"""Grade a class of notebooks: isolated, in parallel, into the gradebook of nbgrader."""

import importlib.abc
import sys


class _WithoutSlowGrammar(importlib.abc.MetaPathFinder):
    """Let jsonschema not find the grammar of URIs that it would compile for a second.

    Notebook schemas have no such field to check, and jsonschema treats the grammar as optional.
    """

    def find_spec(self, fullname, path=None, target=None):
        if fullname == "rfc3987_syntax":
            asking = getattr(sys.modules.get("jsonschema._format"), "__spec__", None)
            if getattr(asking, "_initializing", False):
                raise ModuleNotFoundError(f"{fullname} is not for jsonschema", name=fullname)
        return None


sys.meta_path.insert(0, _WithoutSlowGrammar())
