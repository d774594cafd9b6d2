r"""One fused loop compiled by Numba: the CPU form that reads and writes each array once.

The printed code is written to a file in the user's cache folder and imported from there, so that
Numba keeps the machine code beside it and the second process starts without compiling. Large arrays
are split over Numba's threads by the same loop with `prange`: Python's own threads would hand the
interpreter's lock around, which takes longer than a step on a million parameters.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import tempfile
import textwrap
import threading
from collections.abc import Callable, Sequence
from functools import cache, lru_cache, partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from optedu import symbols
from optedu.compile.bound import Bound, Kernel, coefficients_source
from optedu.compile.lowering import Program, lower, lower_totals, optional, specialized
from optedu.compile.printing import UFUNCS, PythonPrinter

if TYPE_CHECKING:
    from optedu.rule import Rule

__all__ = ["PARALLEL", "kernel", "source"]

PARALLEL = 100_000
r"""Elements from which a step is split over threads; below, waking them costs more."""

# Where one is NaN so is NumPy's maximum; of Python's max that depends on the order.
FUNCTIONS = {name: f"np.{ufunc}" for name, ufunc in UFUNCS.items()} | {"Abs": "abs"}


class _NumbaPrinter(PythonPrinter):
    r"""Numbers in the arrays' dtype: a literal would promote float32 to double."""

    _multiplies = 4

    def _one(self) -> str:
        return "T(1)"

    def _print_Integer(self, expr: Any) -> str:
        return f"T({int(expr)})"

    def _print_Rational(self, expr: Any) -> str:
        return f"T({super()._print_Rational(expr)})"

    def _print_Float(self, expr: Any) -> str:
        return f"T({float(expr)!r})"


def _printer(program: Program) -> _NumbaPrinter:
    # Elements are read into locals and written back at the end: told so plainly that no array
    # changes under its hands, the compiler makes code that is twice as fast.
    indexed = {s: f"{v.name}_i" for v in program.arrays for s in (v.old, v.new)}
    indexed[symbols.g] = "g_i"
    indexed |= {a.target: a.target.name for a in program.body if a.target not in indexed}
    return _NumbaPrinter(program.code_names, indexed, FUNCTIONS)


def _inputs(program: Program) -> list[str]:
    first, *rest = [v.name for v in program.arrays]
    names = program.code_names
    numbers = [names.get(c, c.name) for c in (*program.constants, *program.coefficients)]
    return [first, "g", *rest, *numbers]


def _update_source(program: Program, *, parallel: bool = False) -> str:
    printer, inputs = _printer(program), _inputs(program)
    body = [f"{printer.doprint(a.target)} = {printer.doprint(a.expression)}" for a in program.body]
    read = [f"{n}_i = {n}[i]" for n in ("g", *(v.name for v in program.arrays))]
    made = {a.target for a in program.body}
    write = [f"{v.name}[i] = {v.name}_i" for v in program.arrays if v.new in made]
    typed = ["T = x.dtype.type"] if any("T(" in line for line in body) else []
    loop = "numba.prange" if parallel else "range"
    # Multiply and add stay two operations: fused, the difference of two equal squares is not zero.
    options = ["cache=True", "nogil=True", 'error_model="numpy"']
    options += ["parallel=True"] if parallel else []
    lines = [
        *typed,
        f"for i in {loop}(x.size):",
        *(f"    {line}" for line in (*read, *body, *write)),
    ]
    return (
        f"@numba.njit({', '.join(options)})\n"
        f"def update({', '.join(inputs)}):\n" + textwrap.indent("\n".join(lines), "    ") + "\n"
    )


def _sums_source(program: Program, *, parallel: bool = False) -> str:
    r"""Return the loop that adds up, in double, what a step needs sums of over all parameters."""
    printer, inputs = _printer(program), _inputs(program)
    read = {s for a in program.body for s in a.expression.free_symbols}
    lines = [f"{s.name} = 0.0" for s in program.sums]
    lines.append(f"for i in {'numba.prange' if parallel else 'range'}(x.size):")
    lines += ["    g_i = g[i]"] if symbols.g in read else []
    lines += [f"    {v.name}_i = {v.name}[i]" for v in program.arrays if v.old in read]
    for assignment in program.body:
        code = printer.doprint(assignment.expression)
        adds = assignment.target in program.sums
        lines.append(f"    {assignment.target.name} {'+=' if adds else '='} {code}")
    if any("T(" in line for line in lines):
        lines.insert(0, "T = x.dtype.type")
    lines.append(f"return {', '.join(s.name for s in program.sums)},")
    # The order in which a sum is taken is free: otherwise each addition waits for the last.
    options = ["cache=True", "nogil=True", 'error_model="numpy"', 'fastmath={"reassoc", "nsz"}']
    options += ["parallel=True"] if parallel else []
    body = textwrap.indent("\n".join(lines), "    ")
    return f"@numba.njit({', '.join(options)})\ndef sums({', '.join(inputs)}):\n{body}\n"


def source(rule: Rule) -> str:
    r"""Return the code of the kernel, with what is off by default left out."""
    rule = specialized(rule, frozenset(optional(rule)))
    program = lower(rule)
    parts = []
    for level in lower_totals(rule):
        parts += [coefficients_source(level), _sums_source(level).rstrip()]
    scalar_part = "\n\n\n".join(p for p in (*parts, coefficients_source(program)) if p)
    head = "from math import sqrt\n\n" if "sqrt(" in scalar_part else ""
    update = _update_source(program)
    return f"{head}import numba\nimport numpy as np\n\n\n{scalar_part}\n\n\n{update}"


@lru_cache(maxsize=256)
def _function(rule: Rule, parallel: bool) -> Callable[..., None]:
    return _imported(rule.name, _update_source(lower(rule), parallel=parallel)).update


@lru_cache(maxsize=256)
def _adding(program: Program, parallel: bool) -> Callable[..., tuple[float, ...]]:
    return _imported(program.rule.name, _sums_source(program, parallel=parallel)).sums


def _imported(name: str, function: str) -> ModuleType:
    code = f"import numba\nimport numpy as np\n\n\n{function}"
    digest = hashlib.sha256(code.encode()).hexdigest()[:16]
    name = f"{name}_{digest}"
    path = _cache_folder() / f"{name}.py"
    if not path.exists():
        # Written whole, then renamed: another process never sees half a file.
        with tempfile.NamedTemporaryFile("w", dir=path.parent, suffix=".tmp", delete=False) as file:
            file.write(code)
        os.replace(file.name, path)
    spec = importlib.util.spec_from_file_location(f"optedu_kernels_{name}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where Numba looks when it loads the machine code again
    spec.loader.exec_module(module)
    return module


@cache
def _cache_folder() -> Path:
    r"""Return a folder for kernels: the user's cache, or a temporary one where that is closed."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = base / "optedu" / "kernels"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return Path(tempfile.mkdtemp(prefix="optedu-kernels-"))


class _Threads:
    r"""Whether a loop may be split here and now.

    Not every threading layer of Numba bears calls from two threads at once, and GNU's OpenMP ends a
    forked process that goes on using it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._used = self._forked = False
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._after_fork)

    def _after_fork(self) -> None:
        self._lock = threading.Lock()
        self._forked = self._used

    def run(self, update: Callable[..., Any], alone: Callable[[], Any], *arguments: Any) -> Any:
        r"""Call the split loop `update`, or what `alone` returns where it may not be."""
        if self._forked or not self._lock.acquire(blocking=False):
            return alone()(*arguments)
        self._used = True
        try:
            return update(*arguments)
        finally:
            self._lock.release()


_threads = _Threads()


class NumbaBound(Bound):
    r"""One compiled loop, split over Numba's threads where the arrays are large."""

    def _build(self, rule: Rule, program: Program) -> None:
        import numba

        arrays = {"x": self._x, **{s.name: self._state[s.name] for s in program.array_states}}
        for name, array in arrays.items():
            if not array.flags.c_contiguous:
                raise ValueError(f"{name} must be C-contiguous in the Numba form")
        if self._dtype not in (np.float32, np.float64):
            raise TypeError(f"x must be float32 or float64 in the Numba form, got {self._dtype}")
        self._type = self._dtype.type
        self._parameters, *self._arrays = [a.reshape(-1) for a in arrays.values()]
        # numba.set_num_threads says how many.
        parallel = self._parameters.size >= PARALLEL and numba.get_num_threads() > 1
        self._parallel = parallel
        self._update = _function(rule, parallel)
        if parallel:
            self._update = partial(_threads.run, self._update, lambda: _function(rule, False))

    def _set_constants(self, values: Sequence[Any]) -> None:
        self._fixed = tuple(self._type(v) for v in values)

    def _adder(self, program: Program) -> Callable[[np.ndarray, Sequence[Any]], Sequence[float]]:
        sums = _adding(program, self._parallel)
        if self._parallel:
            sums = partial(_threads.run, sums, lambda: _adding(program, False))

        def add(g: np.ndarray, values: Sequence[Any]) -> Sequence[float]:
            if g.ndim != 1 or not g.flags.c_contiguous:
                g = np.ascontiguousarray(g).reshape(-1)
            return sums(self._parameters, g, *self._arrays, *(self._type(v) for v in values))

        return add

    def _run(self, g: np.ndarray, values: Sequence[Any]) -> None:
        scalars = (*self._fixed, *(self._type(v) for v in values))
        if g.ndim != 1 or not g.flags.c_contiguous:
            g = np.ascontiguousarray(g).reshape(-1)
        self._update(self._parameters, g, *self._arrays, *scalars)


def kernel(rule: Rule) -> Kernel:
    r"""Return the kernel of a rule.

    Raises
    ------
    ImportError
        If Numba is not installed; the message says how to install it.
    """
    if importlib.util.find_spec("numba") is None:
        raise ImportError("the Numba form needs Numba; install it with: pip install optedu[fast]")
    return Kernel(rule, "Numba", NumbaBound)
