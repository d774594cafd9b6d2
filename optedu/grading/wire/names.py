r"""Which names a cell needs from outside, and which of them are well-known modules."""

from __future__ import annotations

import ast
import builtins
import importlib
import symtable
import warnings
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from IPython.core.inputtransformer2 import TransformerManager

from optedu.grading.subject import subject

__all__ = [
    "KNOWN", "OF_THE_NOTEBOOK", "Needs", "PythonFirst", "needs", "of_cell", "read_by_functions",
    "well_known",
]  # fmt: skip

# Built-in functions of which a test asks about the notebook as a whole (`.notebook`).
OF_THE_NOTEBOOK = frozenset({"globals", "locals", "vars", "dir", "type"})

# A student's kernel is never asked for these: whoever decides what ``np.allclose`` or
# ``assert_allclose`` means, decides the score.
_MODULES = {
    "np": "numpy", "numpy": "numpy", "plt": "matplotlib.pyplot", "math": "math", "cmath": "cmath",
    "sympy": "sympy", "scipy": "scipy", "pd": "pandas", "pytest": "pytest",
    "jnp": "jax.numpy", "sns": "seaborn", "nx": "networkx", "tf": "tensorflow", "nn": "torch.nn",
    "random": "random", "itertools": "itertools", "functools": "functools", "inspect": "inspect",
    "os": "os", "sys": "sys", "warnings": "warnings", "unittest": "unittest", "json": "json",
    "copy": "copy", "time": "time", "re": "re", "xp": "numpy", **subject.KNOWN_AS,
}  # fmt: skip
_CHECKS = {
    "numpy.testing": (
        "assert_allclose", "assert_array_equal", "assert_array_almost_equal", "assert_equal",
        "assert_almost_equal", "assert_array_less", "assert_raises", "assert_approx_equal",
    ),
    "numpy": ("allclose", "isclose", "array_equal", "array_equiv", "may_share_memory",
              "shares_memory", "isfinite", "isnan"),
    "pytest": ("approx", "raises"),
    "unittest": ("TestCase",),
    **subject.CHECKS,
}  # fmt: skip
_UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)
_LOOKED_AT = 20_000  # characters of a student's cell with magics; it may be made to be slow
_WHERE = {name: module for module, names in _CHECKS.items() for name in names}


class Needs(NamedTuple):
    r"""Global names in a cell; built-in ones are left out.

    Attributes
    ----------
    first : set of str
        Read at the top level before the cell assigns them.
    inner : set of str
        Read by its functions and not assigned by the cell, perhaps needed by a later cell.
    own : set of str
        Assigned, imported or defined at its top level.
    imports : set of str
        Its imports: module, attribute (``.`` for the module itself) and the name that is bound,
        separated by tabs.
    asks : set of str
        Those of `OF_THE_NOTEBOOK` that are named anywhere in it.
    sets : set of str
        Global names that its functions assign.
    """

    first: set[str]
    inner: set[str]
    own: set[str]
    imports: set[str]
    asks: set[str]
    sets: set[str]

    @classmethod
    def none(cls) -> Needs:
        """Those of an empty cell."""
        return cls(set(), set(), set(), set(), set(), set())


@lru_cache(maxsize=1024)  # a class has the same cells a hundred times
def of_cell(code: str) -> Needs | None:
    r"""Return what a cell needs, magics and all; None if it is not Python even then."""
    try:
        return needs(transformed(code))
    except SyntaxError:
        return None


def needs(code: str) -> Needs:
    r"""Which names ``code`` needs from outside; raises ``SyntaxError`` if it is not Python.

    Examples
    --------
    >>> found = needs("y = f(x); y\ndef g(a): return a + b + len(y)")
    >>> sorted(found.first), sorted(found.inner), sorted(found.own)
    (['f', 'x'], ['b'], ['g', 'y'])
    >>> needs("n = n + 1").first
    {'n'}
    >>> sorted(needs("get_ipython().run_line_magic('time', 'f(x)')").first)
    ['f', 'get_ipython', 'x']
    """
    top = symtable.symtable(code, "<cell>", "exec")
    own = {s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported()}
    read = {s.get_name() for s in top.get_symbols() if s.is_referenced()} | _deleted(code)
    first, assigned = _in_order(ast.parse(code).body, set())
    first &= read
    inner, sets = _read_inside(top), _set_inside(top)
    asks = (read | inner) & OF_THE_NOTEBOOK
    for magic in _magics(code):
        try:
            more = needs(magic)
        except SyntaxError:  # the magic's language is another
            continue
        first |= more.first - assigned
        inner |= more.inner
        own |= more.own
        asks |= more.asks
        sets |= more.sets
    first, inner = _without_builtins(first), _without_builtins(inner - own)
    return Needs(first, inner, own, _imports(code), asks, sets)


def _inside(top: symtable.SymbolTable) -> Iterator[symtable.Symbol]:
    """The symbols of the functions and classes of a cell."""
    tables = list(top.get_children())
    while tables:
        table = tables.pop()
        tables.extend(table.get_children())
        yield from table.get_symbols()


def _read_inside(top: symtable.SymbolTable) -> set[str]:
    """The global names that the functions and classes of a cell read."""
    return {s.get_name() for s in _inside(top) if s.is_referenced() and s.is_global()}


def _set_inside(top: symtable.SymbolTable) -> set[str]:
    """The global names that they assign."""
    return {s.get_name() for s in _inside(top) if s.is_assigned() and s.is_declared_global()}


def _deleted(code: str) -> set[str]:
    nodes = (n for n in ast.walk(ast.parse(code)) if isinstance(n, ast.Name))
    return {node.id for node in nodes if isinstance(node.ctx, ast.Del)}


@lru_cache(maxsize=1024)
def read_by_functions(code: str) -> frozenset[str]:
    r"""The global names that the functions of a cell read, those of the cell itself among them.

    Examples
    --------
    >>> sorted(read_by_functions("n = 2\ndef f(x): return x ** n + len(g(x))"))
    ['g', 'n']
    """
    if len(code) > _LOOKED_AT and not _is_python(code):  # the search for magics is quadratic
        return frozenset()
    try:
        top = symtable.symtable(transformed(code), "<cell>", "exec")
    except _UNREADABLE:
        return frozenset()
    return frozenset(_without_builtins(_read_inside(top)))


class PythonFirst(TransformerManager):
    """IPython's transformations, which look for no magic in what is Python without them.

    To look takes longer than to run most cells: each line is read anew by a tokenizer in Python.
    """

    def __init__(self) -> None:
        super().__init__()
        self._usual = list(self.token_transformers)

    def do_token_transforms(self, lines: list[str]) -> list[str]:
        usual = self.token_transformers == self._usual
        return lines if usual and _is_python("".join(lines)) else super().do_token_transforms(lines)


_python_first = PythonFirst()


def _is_python(code: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the code will be compiled, and warned of, again
        try:
            ast.parse(code)
        except _UNREADABLE:
            return False
    return True


def transformed(code: str) -> str:
    """A cell's code as Python, its magics calls."""
    return _python_first.transform_cell(code)


def _imports(code: str) -> set[str]:
    """The imports that run when the cell runs."""
    found: set[str] = set()
    waiting: list[ast.AST] = [ast.parse(code)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            for each in node.names:
                name = each.asname or each.name.partition(".")[0]
                found.add(f"{each.name}\t{'.' if each.asname else ''}\t{name}")
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for each in node.names:
                found.add(f"{node.module}\t{each.name}\t{each.asname or each.name}")
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            waiting += ast.iter_child_nodes(node)
    return found


def _magics(code: str) -> list[str]:
    """The code that IPython's magics run, such as ``%time f(x)``."""
    found = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            body = node.args[-1]
            if node.func.attr in ("run_cell_magic", "run_line_magic") and isinstance(
                body, ast.Constant
            ):
                found.append(str(body.value).strip())
    return found


def _in_order(nodes: Iterable[ast.AST], assigned: set[str]) -> tuple[set[str], set[str]]:
    """Names that are read before they are assigned, in the order in which it runs, and all that
    are assigned; not in bodies of functions.
    """
    first: set[str] = set()
    assigned = set(assigned)
    for node in nodes:
        if not isinstance(node, _COMPOUND):
            loads, stores = _names(node)
            first |= loads - assigned
            assigned |= stores
            continue
        head, *rest = _parts(node)
        read, before = _in_order(head, assigned)
        first |= read
        assigned |= before
        for part in rest:  # each branch has what was assigned before all of them
            read, made = _in_order(part, before if isinstance(node, _BRANCHES) else assigned)
            first |= read
            assigned |= made
    return first, assigned


_BRANCHES = (ast.If, ast.Match)
_COMPOUND = (
    *_BRANCHES, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar,
    ast.ExceptHandler, ast.match_case, ast.withitem,
)  # fmt: skip


def _parts(node: Any) -> list[list[Any]]:
    """The parts of a compound statement, in the order in which they run."""
    match node:
        case ast.For() | ast.AsyncFor():
            return [[node.iter], [node.target], node.body, node.orelse]
        case ast.While() | ast.If():
            return [[node.test], node.body, node.orelse]
        case ast.Match():
            return [[node.subject], *([case] for case in node.cases)]
        case ast.match_case():
            return [[node.pattern], [node.guard] if node.guard else [], node.body]
        case ast.With() | ast.AsyncWith():
            return [node.items, node.body]
        case ast.withitem():
            return [[node.context_expr], [node.optional_vars] if node.optional_vars else []]
        case ast.ExceptHandler():
            caught = [ast.Name(node.name, ast.Store())] if node.name else []
            return [[node.type] if node.type else [], caught, node.body]
    return [node.body, node.handlers, node.orelse, node.finalbody]  # try


class _Names(ast.NodeVisitor):
    """Names that a statement reads and binds when it runs: not those that a comprehension or a
    class has for itself, and none in bodies of functions, which run later or never.
    """

    def __init__(self) -> None:
        self.loads: set[str] = set()
        self.stores: set[str] = set()
        self._hidden: frozenset[str] = frozenset()  # of the comprehensions around
        self._walrus: set[str] = set()  # bound by an expression that has run

    def visit_Name(self, node: ast.Name) -> None:
        if node.id not in self._hidden:
            if isinstance(node.ctx, ast.Store):
                self.stores.add(node.id)
            elif node.id not in self._walrus:
                self.loads.add(node.id)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        self.stores.add(node.target.id)
        self._walrus.add(node.target.id)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self.loads.add(node.target.id)
        self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None or not isinstance(node.target, ast.Name):
            self.visit(node.target)
        for part in (node.annotation, node.value):
            if part is not None:
                self.visit(part)

    def _visit_pattern(self, node: Any) -> None:
        bound = node.rest if isinstance(node, ast.MatchMapping) else node.name
        self.stores |= {bound} if bound else set()
        self.generic_visit(node)

    visit_MatchAs = visit_MatchStar = visit_MatchMapping = _visit_pattern

    def visit_alias(self, node: ast.alias) -> None:
        self.stores.add((node.asname or node.name).partition(".")[0])

    def _visit_comprehension(self, node: Any) -> None:
        outside = self._hidden
        self.visit(node.generators[0].iter)
        targets = (part for each in node.generators for part in ast.walk(each.target))
        self._hidden = outside | {part.id for part in targets if isinstance(part, ast.Name)}
        for number, each in enumerate(node.generators):
            for part in [each.target, *([each.iter] if number else []), *each.ifs]:
                self.visit(part)
        for part in [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]:
            self.visit(part)
        self._hidden = outside

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _visit_comprehension

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self.visit(node.args)

    def _visit_function(self, node: Any) -> None:
        self.stores.add(node.name)
        for part in [*node.decorator_list, node.args]:
            self.visit(part)

    visit_FunctionDef = visit_AsyncFunctionDef = _visit_function

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for part in [*node.decorator_list, *node.bases, *node.keywords]:
            self.visit(part)
        read, _ = _in_order(node.body, set())
        self.loads |= read - self._hidden - self._walrus
        self.stores.add(node.name)


def _names(statement: ast.AST) -> tuple[set[str], set[str]]:
    """Names that a statement reads and binds when it runs; not in bodies of functions."""
    found = _Names()
    try:
        found.visit(statement)
    except RecursionError:  # a sum of hundreds of terms: whatever it names
        found = _Names()
        for node in ast.walk(statement):
            if isinstance(node, ast.Name):
                found.visit_Name(node)
    return found.loads, found.stores


def _without_builtins(names: set[str]) -> set[str]:
    return {name for name in names if not hasattr(builtins, name)}


KNOWN = frozenset([*_MODULES, *_WHERE])


def well_known(name: str) -> tuple[Any] | None:
    """``(value,)`` where the name by itself says which module or check is meant."""
    if name not in _MODULES and name not in _WHERE:
        return None
    try:
        if name in _MODULES:
            return (importlib.import_module(_MODULES[name]),)
        return (getattr(importlib.import_module(_WHERE[name]), name),)
    except (ImportError, AttributeError):
        return None
