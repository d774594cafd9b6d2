r"""The derived kernels against PyTorch and Optax, and against what the memory allows.

Run `make bench`. Both sides work in one process and take turns; the table prints ratios of
medians, ours over theirs, so smaller is better, next to the goal. `results/optimizers.json`
keeps every figure with its quartiles; chapter 13 plots that file.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from timing import Timing, alternate, machine

import optedu

RESULTS = Path(__file__).parent / "results" / "optimizers.json"
SIZES = (10, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 50_000_000)
# Arrays that a step of Adam must read (x, g, m, v) and write (x, m, v).
ARRAYS_MOVED = 7


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=float, nargs="+", default=SIZES)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--seconds", type=float, default=2.0, help="a contestant and case")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    options.sizes = [int(s) for s in options.sizes]
    record: dict[str, Any] = (
        json.loads(options.output.read_text()) if options.output.exists() else {}
    )
    record["machine"] = machine()
    record["versions"] = {
        name: importlib.metadata.version(name)
        for name in ("numpy", "numba", "torch", "optax", "jax")
        if _installed(name)
    }
    if "torch" not in record["versions"]:
        sys.exit(
            "this benchmark needs PyTorch's CPU build (and Optax for the sweep) to compare with"
        )
    goals: list[Goal] = []
    for name in options.only:
        start = time.perf_counter()
        record[name] = SECTIONS[name](options, goals)
        print(f"  [{name}: {time.perf_counter() - start:.0f} s]", flush=True)
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(json.dumps(record, indent=1) + "\n")
    _print_goals(goals, record)
    print(f"wrote {options.output}")


class Goal:
    r"""A ratio, ours over theirs, that should not exceed a limit."""

    def __init__(self, work: str, against: str, ratio: float, limit: float) -> None:
        self.work, self.against, self.ratio, self.limit = work, against, ratio, limit

    @property
    def met(self) -> bool:
        return self.ratio <= self.limit


# -- one tensor ----------------------------------------------------------------------------------


def one_tensor(options: argparse.Namespace, goals: list[Goal]) -> list[dict[str, Any]]:
    r"""Adam on one tensor: every form of ours, every form of torch's, and the memory's floor."""
    rows = []
    for threads in options.threads:
        _use_threads(threads)
        for dtype in ("float32", "float64"):
            for size in options.sizes:
                if threads > 1 and size < 100_000:
                    continue  # our form uses no second thread below
                timings = alternate(
                    _adam_contestants(size, dtype, threads), seconds=options.seconds
                )
                row = _row(timings, size=size, dtype=dtype, threads=threads)
                ceiling = _copy_ceiling(size, dtype)
                row["copy_bytes_per_second"] = ceiling
                row["bytes_per_step"] = ARRAYS_MOVED * size * np.dtype(dtype).itemsize
                rows.append(row)
                _print_row(f"Adam, N = {size:.0e}, {dtype}, {threads} thread(s)", row)
                goals += _adam_goals(timings, size, dtype, threads)
    return rows


def _adam_contestants(size: int, dtype: str, threads: int) -> dict[str, Callable[[], object]]:
    import torch

    rng = np.random.default_rng(0)
    g = rng.standard_normal(size, dtype=dtype)
    rule = optedu.rules.get("adam")
    contestants: dict[str, Callable[[], object]] = {}

    def ours(form: str) -> Callable[[], object]:
        x = np.zeros(size, dtype)
        step = rule.kernel(form).bind(x, rule.init(x))
        counter = iter(range(1, 1 << 60))
        return lambda: step(g, next(counter))

    def torchs(**form: bool) -> Callable[[], object]:
        parameter = torch.zeros(size, dtype=getattr(torch, dtype), requires_grad=True)
        parameter.grad = torch.from_numpy(g)
        optimizer = torch.optim.Adam([parameter], **form)
        return optimizer.step

    contestants["numba"] = ours("numba")
    contestants["torch fused"] = torchs(fused=True)
    contestants["floor"] = _floor(size, dtype, threads)
    if threads == 1:
        contestants["numpy"] = ours("numpy")
        contestants["torch foreach=False"] = torchs(foreach=False)
        contestants["torch foreach=True"] = torchs(foreach=True)
        if size <= 10_000_000:
            contestants["pure"] = _pure(g)
    return contestants


def _pure(g: np.ndarray) -> Callable[[], object]:
    r"""The formula as NumPy expressions: what a student writes first."""
    rule = optedu.rules.get("adam").at(weight_decay=0)
    x = np.zeros_like(g)
    held = [x, rule.init(x), 0]

    def step() -> None:
        held[2] += 1
        held[0], held[1] = rule.step(held[0], g, held[1], held[2])

    return step


def _floor(size: int, dtype: str, threads: int) -> Callable[[], object]:
    r"""Read x, g, m, v and write x, m, v: nothing that moves these bytes is faster."""
    import numba

    from optedu.compile.numba_kernel import PARALLEL

    parallel = threads > 1 and size >= PARALLEL
    indices = numba.prange if parallel else range

    @numba.njit(nogil=True, parallel=parallel)
    def touch(x: Any, g: Any, m: Any, v: Any) -> None:
        for i in indices(x.size):
            x_i, g_i, m_i, v_i = x[i], g[i], m[i], v[i]
            x[i] = x_i + g_i
            m[i] = m_i + g_i
            v[i] = v_i + g_i

    arrays = [np.ones(size, dtype) for _ in range(4)]
    return lambda: touch(*arrays)


def _copy_ceiling(size: int, dtype: str) -> float:
    r"""Bytes a second of NumPy's copy: read and written bytes both counted."""
    source, target = np.ones(size, dtype), np.empty(size, dtype)
    timing = alternate({"copy": lambda: np.copyto(target, source)}, seconds=0.2)["copy"]
    return 2 * source.nbytes / timing.median


def _adam_goals(t: dict[str, Timing], size: int, dtype: str, threads: int) -> list[Goal]:
    case = f"N = {size:.0e}, {dtype}, {threads} thread{'s' if threads > 1 else ''}"
    goals = []

    def goal(ours: str, theirs: str, limit: float) -> None:
        ratio = t[ours].median / t[theirs].median
        goals.append(Goal(f"Adam {ours}, {case}", theirs, ratio, limit))

    if size >= 1_000:
        goal("numba", "torch fused", 0.9 if size == 1_000_000 else 1.0)
    if size >= 1_000_000:
        goal("numba", "floor", 1.1)
    if threads == 1:
        goal("numpy", "torch foreach=False", 0.8)
        goal("numpy", "torch foreach=True", 0.8)
        if size == 10:
            goal("numpy", "torch fused", 0.12)
        if size == 10_000_000:
            goal("numpy", "torch fused", 2.5)
    return goals


# -- where the time of a blocked step goes ------------------------------------------------------


def passes(options: argparse.Namespace, goals: list[Goal]) -> list[dict[str, Any]]:
    r"""Each call of the in-place form alone, on one block in the cache, and the fused loop."""
    from optedu.compile import numpy_kernel
    from optedu.compile.lowering import optional, specialized

    rule = optedu.rules.get("adam")
    emitted, temporaries = numpy_kernel.calls(specialized(rule, frozenset(optional(rule))))
    _use_threads(1)
    rows = []
    for dtype in ("float32", "float64"):
        itemsize = np.dtype(dtype).itemsize
        size = numpy_kernel.block_length(4 + temporaries, itemsize)
        # Ones everywhere: a call may be repeated, and nothing becomes subnormal.
        names = {name for _, operands, out in emitted for name in (*operands, out)}
        arrays = {"x", "g", "m", "v", *(f"tmp{i}" for i in range(temporaries))}
        held = {n: np.ones(size if n in arrays else (), dtype) for n in sorted(names)}
        contestants: dict[str, Callable[[], object]] = {}
        for ufunc, operands, out in emitted:
            text = f"{ufunc}({', '.join(operands)}, out={out})"
            call, inputs = getattr(np, ufunc), [held[o] for o in operands]
            contestants[text] = lambda c=call, i=inputs, o=held[out]: c(*i, out=o)
        x, g = np.zeros(size, dtype), np.ones(size, dtype)
        step = rule.kernel("numba").bind(x, rule.init(x))
        counter = iter(range(1, 1 << 60))
        contestants["fused loop"] = lambda s=step, g=g, c=counter: s(g, next(c))
        timings = alternate(contestants, seconds=options.seconds)
        row = _row(timings, size=size, dtype=dtype, threads=1)
        row["per_element"] = {n: t["median"] / size for n, t in row["seconds"].items()}
        rows.append(row)
        print(f"Adam, one block of {size} numbers, {dtype}: nanoseconds a number")
        for name, value in row["per_element"].items():
            print(f"    {name:<40} {value * 1e9:.3f}")
    return rows


# -- many small tensors --------------------------------------------------------------------------


def many_tensors(options: argparse.Namespace, goals: list[Goal]) -> list[dict[str, Any]]:
    r"""200 tensors of a small network, gathering of the gradients included."""
    import torch

    rng = np.random.default_rng(0)
    shapes = [(48, 96), (96,)] * 100  # 480,000 numbers
    rows = []
    _use_threads(1)
    for dtype in ("float32", "float64"):
        grads = [rng.standard_normal(s).astype(dtype) for s in shapes]
        parameters = [
            torch.zeros(s, dtype=getattr(torch, dtype), requires_grad=True) for s in shapes
        ]
        for parameter, g in zip(parameters, grads, strict=True):
            parameter.grad = torch.from_numpy(g)
        contestants: dict[str, Callable[[], object]] = {}
        for form in ("numpy", "numba"):
            ours = optedu.Optimizer("adam", [np.zeros(s, dtype) for s in shapes], form=form)
            contestants[form] = lambda o=ours, g=grads: o.step(g)
            # As in a training loop that writes its gradients where the optimizer reads them.
            there = optedu.Optimizer("adam", [np.zeros(s, dtype) for s in shapes], form=form)
            for target, g in zip(there.grads, grads, strict=True):
                target[...] = g
            contestants[f"{form}, nothing gathered"] = there.step
        for label, switch in (
            ("torch fused", {"fused": True}),
            ("torch foreach=True", {"foreach": True}),
            ("torch foreach=False", {"foreach": False}),
        ):
            contestants[label] = torch.optim.Adam(parameters, **switch).step
        timings = alternate(contestants, seconds=options.seconds)
        count = sum(int(np.prod(s)) for s in shapes)
        rows.append(_row(timings, tensors=len(shapes), size=count, dtype=dtype, threads=1))
        _print_row(f"Adam, {len(shapes)} tensors, {count} numbers, {dtype}", rows[-1])
        for form in ("numpy", "numba"):
            ratio = timings[form].median / timings["torch fused"].median
            goals.append(Goal(f"Adam {form}, 200 tensors, {dtype}", "torch fused", ratio, 0.5))
    return rows


# -- other rules ---------------------------------------------------------------------------------


def other_rules(options: argparse.Namespace, goals: list[Goal]) -> list[dict[str, Any]]:
    r"""Momentum, AdaGrad and RMSProp at ten million, against torch's fastest form of each."""
    import torch

    size = min(10_000_000, max(options.sizes))
    rows = []
    kinds = {
        "momentum": ("SGD", {"lr": 1e-3, "momentum": 0.9}, ("foreach", "fused")),
        "adagrad": ("Adagrad", {}, ("foreach", "fused")),
        "rmsprop": ("RMSprop", {}, ("foreach",)),
    }
    for threads in options.threads:
        _use_threads(threads)
        for name, (kind, arguments, forms) in kinds.items():
            rule = optedu.rules.get(name)
            g = np.random.default_rng(0).standard_normal(size, dtype=np.float32)
            x = np.zeros(size, np.float32)
            step = rule.kernel("numba").bind(x, rule.init(x))
            counter = iter(range(1, 1 << 60))
            contestants: dict[str, Callable[[], object]] = {
                "numba": lambda step=step, g=g, counter=counter: step(g, next(counter))
            }
            for form in ("plain", *forms):
                parameter = torch.zeros(size, requires_grad=True)
                parameter.grad = torch.from_numpy(g)
                switch = {"foreach": False} if form == "plain" else {form: True}
                optimizer = getattr(torch.optim, kind)([parameter], **arguments, **switch)
                contestants[f"torch {form}"] = optimizer.step
            timings = alternate(contestants, seconds=options.seconds)
            rows.append(_row(timings, rule=name, size=size, dtype="float32", threads=threads))
            _print_row(f"{name}, N = {size:.0e}, float32, {threads} thread(s)", rows[-1])
            best = min((k for k in timings if k != "numba"), key=lambda k: timings[k].median)
            ratio = timings["numba"].median / timings[best].median
            goals.append(
                Goal(f"{name} numba, N = {size:.0e}, {threads} thread(s)", best, ratio, 1.0)
            )
    return rows


# -- a sweep -------------------------------------------------------------------------------------


def a_sweep(options: argparse.Namespace, goals: list[Goal]) -> list[dict[str, Any]]:
    r"""100 x 100 learning rates and momenta, 500 steps of Adam, float64."""
    import torch

    _use_threads(1)
    steps = 500
    lrs, betas = np.logspace(-3, 0, 100), np.linspace(0, 0.99, 100)
    problem = optedu.problems.quadratic(kappa=10.0, dim=2)
    contestants: dict[str, Callable[[], object]] = {
        "numpy": lambda: optedu.sweep(
            problem, optimizer="adam", steps=steps, lr=lrs, beta1=betas, progress=False
        )
    }
    if _installed("optax"):
        contestants["optax vmap + scan"] = _optax_sweep(problem, lrs, betas, steps)
    timings = alternate(contestants, seconds=max(options.seconds, 5.0), repeats=(7, 31))

    hessian = torch.tensor(_hessian(problem))
    start = time.perf_counter()
    sample = 20
    for lr in lrs[:: len(lrs) // sample]:
        x = torch.tensor(np.asarray(problem.x0), requires_grad=True)
        optimizer = torch.optim.Adam([x], lr=float(lr), betas=(0.9, 0.999))
        for _ in range(steps):
            optimizer.zero_grad()
            (0.5 * x @ hessian @ x).backward()
            optimizer.step()
    one_by_one = (time.perf_counter() - start) / sample * lrs.size * betas.size
    row = _row(timings, runs=lrs.size * betas.size, steps=steps, dtype="float64", threads=1)
    row["seconds"]["torch loop, extrapolated"] = {"median": one_by_one, "sample": sample}
    _print_row("Adam, sweep of 100 x 100, 500 steps", row)
    ours = timings["numpy"].median
    if "optax vmap + scan" in timings:
        ratio = ours / timings["optax vmap + scan"].median
        goals.append(Goal("sweep of 100 x 100, 500 steps", "optax vmap + scan", ratio, 1.5))
    goals.append(
        Goal("sweep of 100 x 100, 500 steps", "a loop of torch runs", ours / one_by_one, 1 / 50_000)
    )
    return [row]


def _hessian(problem: Any) -> np.ndarray:
    dim = problem.dim
    basis = np.eye(dim)
    zero = np.asarray(problem.grad(np.zeros(dim)))
    return np.stack([np.asarray(problem.grad(basis[i])) - zero for i in range(dim)])


def _optax_sweep(problem: Any, lrs: np.ndarray, betas: np.ndarray, steps: int) -> Callable:
    import jax

    jax.config.update("jax_enable_x64", True)
    import jax.numpy as jnp
    import optax

    hessian = jnp.asarray(_hessian(problem))
    x0 = jnp.asarray(np.asarray(problem.x0))

    def run(lr: Any, beta1: Any) -> Any:
        transformation = optax.adam(lr, b1=beta1)

        def step(carry: Any, _: Any) -> Any:
            x, state = carry
            updates, state = transformation.update(hessian @ x, state, x)
            return (optax.apply_updates(x, updates), state), None

        (x, _), _ = jax.lax.scan(step, (x0, transformation.init(x0)), None, length=steps)
        return 0.5 * x @ hessian @ x

    a, b = (jnp.asarray(v.ravel()) for v in np.meshgrid(lrs, betas, indexing="ij"))
    compiled = jax.jit(jax.vmap(run))
    return lambda: compiled(a, b).block_until_ready()


# -- first step ----------------------------------------------------------------------------------


def first_step(options: argparse.Namespace, goals: list[Goal]) -> list[dict[str, Any]]:
    r"""From `import` to the first step, in a fresh process: empty cache, then warm cache."""
    import os
    import tempfile

    def measure(form: str, environment: dict[str, str], size: int = 1_000) -> float:
        code = (
            "import time; start = time.perf_counter()\n"
            "import numpy as np, optedu\n"
            f"rule = optedu.rules.get('adam'); x = np.zeros({size})\n"
            f"rule.kernel({form!r})(x, x.copy(), rule.init(x), 1)\n"
            "print(time.perf_counter() - start)"
        )
        environment = {**os.environ, **environment}
        output = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env=environment,
        ).stdout
        return float(output)

    rows = []
    for _ in range(5):
        with tempfile.TemporaryDirectory() as folder:
            cache = {"XDG_CACHE_HOME": folder}
            rows.append(
                {
                    "numpy": measure("numpy", cache),
                    "numba, compiling": measure("numba", cache),
                    "numba, from the cache": measure("numba", cache),
                    "numba, split over threads, compiling": measure("numba", cache, 100_000),
                    "numba, split over threads, from the cache": measure("numba", cache, 100_000),
                }
            )
    medians = {name: float(np.median([row[name] for row in rows])) for name in rows[0]}
    for name, seconds in medians.items():
        print(f"  first step of a fresh process, {name}: {seconds:.2f} s")
    return [medians]


# -- GPU -----------------------------------------------------------------------------------------


def gpu(options: argparse.Namespace, goals: list[Goal]) -> list[dict[str, Any]]:
    r"""The fused CuPy kernel against torch's fused optimizer and NumPy-style CuPy code."""
    if not optedu.backend.gpu_available():
        print("  no GPU here: the fused CuPy kernel was not measured")
        return []
    import cupy
    import torch

    rows = []
    rule = optedu.rules.get("adam")
    for dtype in ("float32", "float64"):
        for size in [s for s in options.sizes if s >= 1_000]:
            g = cupy.random.standard_normal(size, dtype=dtype)
            x = cupy.zeros(size, dtype)
            step = rule.kernel("cupy").bind(x, rule.init(x))
            counter = iter(range(1, 1 << 60))
            parameter = torch.zeros(size, dtype=getattr(torch, dtype), device="cuda")
            parameter.requires_grad_()
            parameter.grad = torch.ones_like(parameter)
            fused = torch.optim.Adam([parameter], fused=True)
            plain = rule.at(weight_decay=0)
            held: list[Any] = [cupy.zeros(size, dtype), plain.init(x), 0]
            target = cupy.empty_like(x)

            def pure(held: list[Any] = held, plain: Any = plain, g: Any = g) -> None:
                held[2] += 1
                held[0], held[1] = plain.step(held[0], g, held[1], held[2])
                cupy.cuda.Device().synchronize()

            def ours(step: Any = step, g: Any = g, counter: Any = counter) -> None:
                step(g, next(counter))
                cupy.cuda.Device().synchronize()

            def theirs(fused: Any = fused) -> None:
                fused.step()
                torch.cuda.synchronize()

            def copy(target: Any = target, x: Any = x) -> None:
                cupy.copyto(target, x)
                cupy.cuda.Device().synchronize()

            timings = alternate(
                {
                    "cupy fused": ours,
                    "torch fused": theirs,
                    "cupy, NumPy style": pure,
                    "copy": copy,
                },
                seconds=options.seconds,
            )
            row = _row(timings, size=size, dtype=dtype)
            row["bytes_per_step"] = ARRAYS_MOVED * x.nbytes
            row["copy_bytes_per_second"] = 2 * x.nbytes / timings["copy"].median
            rows.append(row)
            _print_row(f"GPU, Adam, N = {size:.0e}, {dtype}", row)
            ratio = timings["cupy fused"].median / timings["torch fused"].median
            goals.append(Goal(f"GPU Adam, N = {size:.0e}, {dtype}", "torch fused", ratio, 1.0))
            if size == 50_000_000:
                ideal = row["bytes_per_step"] / row["copy_bytes_per_second"]
                ratio = timings["cupy fused"].median / ideal
                goals.append(
                    Goal(f"GPU Adam, N = {size:.0e}, {dtype}", "copy bandwidth", ratio, 1 / 0.85)
                )
    return rows


SECTIONS: dict[str, Callable[[argparse.Namespace, list[Goal]], list[dict[str, Any]]]] = {
    "one_tensor": one_tensor,
    "passes": passes,
    "many_tensors": many_tensors,
    "other_rules": other_rules,
    "a_sweep": a_sweep,
    "first_step": first_step,
    "gpu": gpu,
}


# -- shared --------------------------------------------------------------------------------------


def _installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _use_threads(threads: int) -> None:
    r"""Give both sides the same number of threads. NumPy's ufuncs always use one."""
    import numba
    import torch
    from threadpoolctl import threadpool_limits

    threadpool_limits(threads, user_api="blas")  # of NumPy's products of matrices

    torch.set_num_threads(threads)
    numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))


def _row(timings: dict[str, Timing], **case: Any) -> dict[str, Any]:
    return {**case, "seconds": {name: timing.json() for name, timing in timings.items()}}


def _print_row(title: str, row: dict[str, Any]) -> None:
    parts = []
    for name, t in row["seconds"].items():
        spread = f" ({t['lower'] * 1e6:.3g} to {t['upper'] * 1e6:.3g})" if "lower" in t else ""
        parts.append(f"    {name:<26} {t['median'] * 1e6:>12,.1f} us{spread}")
    if "bytes_per_step" in row:
        used = min(t["median"] for n, t in row["seconds"].items() if n in ("numba", "cupy fused"))
        speed = row["bytes_per_step"] / used
        parts.append(
            f"    fused: {speed / 1e9:.1f} GB/s, "
            f"{speed / row['copy_bytes_per_second']:.0%} of a copy"
        )
    print(title, *parts, sep="\n", flush=True)


def _print_goals(goals: list[Goal], record: dict[str, Any]) -> None:
    table = Table(title=f"Ratios of medians, ours / theirs, on {record['machine']['processor']}")
    for heading in ("work", "against", "ratio", "goal", ""):
        table.add_column(heading, justify="left" if heading in ("work", "against", "") else "right")
    for goal in goals:
        small = goal.limit < 0.001
        shown = f"1/{1 / goal.ratio:,.0f}" if small else f"{goal.ratio:.2f}"
        limit = f"1/{1 / goal.limit:,.0f}" if small else f"{goal.limit:.2f}"
        table.add_row(goal.work, goal.against, shown, limit, "met" if goal.met else "MISSED")
    Console(width=110).print(table)
    print(f"{sum(g.met for g in goals)} of {len(goals)} goals met")


if __name__ == "__main__":
    main()
