r"""Adam's step in every form for the CPU, against a loop that only moves the same bytes.

Run `make bench-forms`; it needs NumPy and Numba alone. Chapter 13 is drawn from its record,
`results/forms.json`: median and quartiles of each form, and the median of its ratio to the floor,
turn by turn.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from optimizers import _floor, _pure
from timing import machine, samples, summary

import optedu
from optedu.compile.numpy_kernel import CACHE, block_length

RESULTS = Path(__file__).parent / "results" / "forms.json"
SIZES = (10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000)
ARRAYS_OF_BLOCK = 5  # x, g, m, v and one temporary


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0, help="a contestant and case")
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    rows = []
    for dtype in ("float32", "float64"):
        # One size more: that of a block, which just stays in the core's own cache.
        block = block_length(ARRAYS_OF_BLOCK, np.dtype(dtype).itemsize)
        for size in sorted({*SIZES, block}):
            taken = samples(contestants(size, dtype), seconds=options.seconds)
            row: dict[str, Any] = {"size": size, "dtype": dtype, "block": size == block}
            row["seconds"] = {name: summary(values).json() for name, values in taken.items()}
            row["over_floor"] = {
                name: statistics.median(
                    ours / floor for ours, floor in zip(values, taken["floor"], strict=True)
                )
                for name, values in taken.items()
            }
            rows.append(row)
            ratios = ", ".join(f"{name} {value:.2f}" for name, value in row["over_floor"].items())
            print(f"N = {size:>10,}, {dtype}, over the floor: {ratios}", flush=True)
    names = ("numpy", "numba")
    record = {
        "machine": {**machine(), "cache": CACHE},
        "versions": {name: importlib.metadata.version(name) for name in names},
        "rows": rows,
    }
    options.output.write_text(json.dumps(record, indent=1) + "\n")
    print(f"wrote {options.output}")


def contestants(size: int, dtype: str) -> dict[str, Callable[[], object]]:
    r"""Return one step of each form, by name, each with arrays of its own."""
    rule = optedu.rules.get("adam")
    g = np.random.default_rng(0).standard_normal(size, dtype=dtype)

    def kernel(form: str) -> Callable[[], object]:
        x = np.zeros(size, dtype)
        step = rule.kernel(form).bind(x, rule.init(x))
        counter = iter(range(1, 1 << 60))
        return lambda: step(g, next(counter))

    return {
        "pure": _pure(g),
        "in place": whole(rule, g),
        "blocked": kernel("numpy"),
        "fused": kernel("numba"),
        "floor": _floor(size, dtype, 1),
    }


def whole(rule: optedu.Rule, g: np.ndarray) -> Callable[[], object]:
    r"""Return the printed NumPy form, run over whole arrays, not block by block."""
    printed: dict[str, Any] = {}
    exec(rule.at(weight_decay=0).source("numpy"), printed)
    x, m, v, tmp = (np.zeros_like(g) for _ in range(4))
    values = [rule.defaults()[name] for name in ("lr", "beta1", "beta2", "eps")]
    constants = printed["constants"](*values)
    counter = iter(range(1, 1 << 60))

    def step() -> None:
        coefficients = printed["coefficients"](next(counter), *values)
        printed["update"](x, g, m, v, tmp, *constants, *coefficients)

    return step


if __name__ == "__main__":
    main()
