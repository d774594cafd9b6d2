r"""Run a rule in every form that this machine can run, for tests that compare them."""

import json
import math
import shutil
import subprocess
from dataclasses import dataclass, field

import array_api_strict
import numpy as np

from optedu.backend import to_numpy
from optedu.compile import bound, cupy_kernel
from optedu.compile.lowering import lower

NODE, COMPILER = shutil.which("node"), shutil.which("g++")


@dataclass
class Case:
    r"""A rule, a start of shape `(n,)`, gradients of shape `(steps, n)`, and hyper-parameters."""

    rule: object
    x: np.ndarray
    grads: np.ndarray
    hyper: dict = field(default_factory=dict)


def ends(cases, folder):
    r"""Return form -> list of the last points, one a case."""
    result = {"array": [pure(c) for c in cases]}
    result["strict"] = [to_numpy(pure(c, array_api_strict.asarray)) for c in cases]
    result["numpy"] = [kernel(c, "numpy") for c in cases]
    result["numba"] = [kernel(c, "numba") for c in cases]
    result["runs"] = [as_runs(c) for c in cases]
    if COMPILER:
        result["cuda"] = compiled(cases, folder)
    if NODE and all(c.x.dtype == np.float64 for c in cases):
        result["javascript"] = javascript(cases, folder)
    return result


def pure(case, convert=np.asarray):
    with np.errstate(all="ignore"):
        x = convert(case.x)
        state = case.rule.init(x, **case.hyper)
        for t, g in enumerate(case.grads, 1):
            x, state = case.rule.step(x, convert(g), state, t, **case.hyper)
    return x


def kernel(case, form):
    x = case.x.copy()
    step = case.rule.kernel(form).bind(x, case.rule.init(x, **case.hyper), **case.hyper)
    with np.errstate(all="ignore"):
        for t, g in enumerate(case.grads, 1):
            step(g.copy(), t)
    return x


def as_runs(case):
    r"""The same, as columns of a grid in which each run has its own (equal) hyper-parameters."""
    complete = {**case.rule.defaults(), **case.hyper}
    if case.rule.sums and not complete:
        return pure(case)  # nothing says that there are runs
    if case.rule.sums:  # over the parameters of a run: two equal runs, side by side
        hyper = {k: np.full(2, v) for k, v in complete.items()}
        x = np.repeat(case.x[:, None], 2, axis=1)
        step = case.rule.kernel("numpy").bind(x, case.rule.init(x, **case.hyper), **hyper)
        with np.errstate(all="ignore"):
            for t, g in enumerate(case.grads, 1):
                step(np.repeat(g[:, None], 2, axis=1), t)
        return x[:, 1]
    hyper = {k: np.full(len(case.x), v) for k, v in complete.items()}
    x = case.x[None, :].copy()
    step = case.rule.kernel("numpy").bind(x, case.rule.init(x, **case.hyper), **hyper)
    with np.errstate(all="ignore"):
        for t, g in enumerate(case.grads, 1):
            step(g[None, :].copy(), t)
    return x[0]


def javascript(cases, folder):
    def data(case):
        state = case.rule.init(case.x, **case.hyper)
        return {
            "x": case.x.tolist(),
            "grads": case.grads.tolist(),
            "hyper": case.hyper,
            "state": {k: np.asarray(v).tolist() for k, v in state.items()},
        }

    runs = ",\n".join(f"[{c.rule.source('javascript')}, {json.dumps(data(c))}]" for c in cases)
    path = folder / "forms.mjs"
    path.write_text(
        f"const RUNS = [{runs}];\n"
        "console.log(JSON.stringify(RUNS.map(([step, {x, grads, hyper, state}]) => {\n"
        "  grads.forEach((g, i) => step(x, g, state, i + 1, hyper));\n"
        "  return x.map(String);\n"
        "})));\n"
    )
    done = subprocess.run([NODE, path], capture_output=True, text=True, check=True)
    return [np.array([float(v) for v in x]) for x in json.loads(done.stdout)]


def cuda_function(rule, name):
    r"""The body of the CuPy kernel, in a function template over T, as CuPy wraps it."""
    program = lower(rule)
    inputs, outputs = cupy_kernel.parameters(program)
    arguments = ", ".join(
        [f"const {p.strip()}" for p in inputs.split(",")]
        + [p.strip().replace("T ", "T& ") for p in outputs.split(",")]
    )
    body = cupy_kernel.body(program)
    return f"template <typename T> DEVICE void {name}({arguments}) {{\n{body}\n}}\n"


def compiled(cases, folder):
    r"""CUDA's arithmetic is C++'s: the generated bodies, compiled for the CPU.

    One element runs after the other, so rules that sum over all are left to the other forms.
    """
    functions, calls = [], []
    for number, case in enumerate(cases):
        if case.rule.sums:
            continue
        functions.append(cuda_function(case.rule, f"rule{number}"))
        calls += [_calls(case, i, number) for i in range(len(case.x))]
    code = "#include <cmath>\n#include <cstdio>\nusing namespace std;\n#define DEVICE static\n"
    code += "".join(functions) + "int main() {\n" + "\n".join(calls) + "\n}\n"
    path = folder / "forms.cpp"
    path.write_text(code)
    subprocess.run(["g++", "-O1", "-ffp-contract=off", "-o", folder / "forms", path], check=True)
    done = subprocess.run([folder / "forms"], capture_output=True, text=True, check=True)
    values = iter(float(line) for line in done.stdout.split())
    return [
        pure(c) if c.rule.sums else np.array([next(values) for _ in c.x], c.x.dtype) for c in cases
    ]


def _calls(case, i, number):
    program = lower(case.rule)
    complete = {**case.rule.defaults(), **case.hyper}
    constants, coefficients = bound.coefficients(program)
    state = case.rule.init(case.x[i : i + 1], **case.hyper)
    scalar = {s.name: state[s.name] for s in program.scalar_states}
    kind = "float" if case.x.dtype == np.float32 else "double"
    start = {"x": case.x[i], **{k: v[0] for k, v in state.items() if k not in scalar}}
    lines = [f"T {v.name} = {_literal(start[v.name])};" for v in program.arrays]
    for t, g in enumerate(case.grads[:, i], 1):
        result = coefficients(t, *scalar.values(), **complete)
        scalar = dict(zip(scalar, result, strict=False))
        numbers = [g, *constants(**complete), *result[len(scalar) :]]
        names = [v.name for v in program.arrays]
        lines.append(f"rule{number}<T>({', '.join([*map(_literal, numbers), *names])});")
    return f'{{ typedef {kind} T; {" ".join(lines)} printf("%.17g\\n", (double)x); }}'


def _literal(value):
    value = float(value)
    if math.isnan(value):
        return "NAN"
    return repr(value) if math.isfinite(value) else "INFINITY" if value > 0 else "-INFINITY"
