r"""What a test asks of the notebook as a whole: its names, and the classes of what is in it.

In two kernels ``globals()`` and ``dir()`` would list the half of the names, and ``type(x)`` would
be that of a stand-in. Cells are rewritten so that these calls answer for both kernels.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from optedu.grading.wire.names import OF_THE_NOTEBOOK

if TYPE_CHECKING:
    from optedu.grading.wire.trusted import Trusted

__all__ = ["Names", "Rewriter"]

_AS = "_optedu_{}"
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


class Names(dict):
    """The names of the notebook: those of the checks, then those of the student."""

    def __init__(self, space: dict[str, Any], trusted: Trusted):
        super().__init__()
        self._space, self._trusted = space, trusted

    def __getitem__(self, name: str) -> Any:
        if name in self._space:
            return self._space[name]
        found = self._trusted.lookup(name) if isinstance(name, str) else None
        if found is None:
            raise KeyError(name)
        return found[0]

    def get(self, name: str, default: Any = None) -> Any:
        try:
            return self[name]
        except KeyError:
            return default

    def __contains__(self, name: object) -> bool:
        return name in self._trusted.all_names()

    def __iter__(self) -> Iterator[str]:
        return iter(self._trusted.all_names())

    def __len__(self) -> int:
        return len(self._trusted.all_names())

    def keys(self) -> Any:
        return self._trusted.all_names()

    def values(self) -> Any:
        return [self[name] for name in self]

    def items(self) -> Any:
        return [(name, self[name]) for name in self]

    def copy(self) -> Any:
        return dict(self.items())

    def _refuse(self, *_: Any, **__: Any) -> Any:
        self._trusted.refuse("a change of globals()")

    __setitem__ = __delitem__ = pop = popitem = clear = update = setdefault = _refuse


class Rewriter(ast.NodeTransformer):
    """Has ``globals()``, ``locals()``, ``vars()``, ``dir()`` and ``type(x)`` of a cell ask both."""

    def __init__(self, trusted: Trusted):
        self._depth = 0
        answers = {"dir": trusted.all_names, "type": trusted.type_of}
        for name in OF_THE_NOTEBOOK:
            setattr(builtins, _AS.format(name), answers.get(name, trusted.names))

    def visit(self, node: ast.AST) -> Any:
        if not isinstance(node, _SCOPES):
            return super().visit(node)
        self._depth += 1
        try:
            return self.generic_visit(node)
        finally:
            self._depth -= 1

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and not node.keywords:
            name, count = node.func.id, len(node.args)
            here = name == "globals" or (name in ("locals", "vars", "dir") and not self._depth)
            if (count == 0 and here) or (count == 1 and name == "type"):
                node.func = ast.copy_location(ast.Name(_AS.format(name), ast.Load()), node.func)
        return node
