r"""What training needs besides the bare rule, against PyTorch: clipping, matrices, whole networks.

Run `make bench-training`. Both sides work in one process and take turns, with the same number of
threads, and each network's gradients are compared before its time is taken. The table prints the
median of the ratios, turn by turn, ours over theirs, beside the ratio of the medians;
`results/training.json` keeps every figure with its quartiles.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import statistics
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from optimizers import _floor, _use_threads
from rich.console import Console
from rich.table import Table
from timing import machine, samples, summary

import optedu
from optedu.transformations import clipped, schedule_free

RESULTS = Path(__file__).parent / "results" / "training.json"
BATCH = 64
CLASSES = 10
SIDE = 28


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--seconds", type=float, default=3.0, help="a contestant and case")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    rows = []
    for name in options.only:
        for threads in options.threads:
            _use_threads(threads)
            for case, contestants, goals in SECTIONS[name](threads):
                taken = samples(contestants, seconds=options.seconds)
                rows.append(_row(taken, goals, work=case, threads=threads))
                _print_row(rows[-1])
    names = ("numpy", "numba", "torch")
    record = {
        "machine": machine(),
        "versions": {name: importlib.metadata.version(name) for name in names},
        "rows": rows,
    }
    options.output.write_text(json.dumps(record, indent=1) + "\n")
    _print_goals(record)
    print(f"wrote {options.output}")


Arrays = Mapping[str, np.ndarray]
Contestants = dict[str, Callable[[], object]]
Case = tuple[str, Contestants, list[tuple[str, str, float]]]


# -- rules at their size -------------------------------------------------------------------------


def clipping(threads: int) -> list[Case]:
    r"""AdamW on gradients clipped by their norm: in the kernel here, a pass of its own there."""
    return [_clipping(10**k) for k in (5, 6, 7)]


def _clipping(size: int) -> Case:
    import torch

    g = np.random.default_rng(0).standard_normal(size, dtype=np.float32)
    x = np.zeros(size, np.float32)
    rule = clipped(optedu.rules.get("adamw"), norm=1.0)
    step, counter = rule.kernel("numba").bind(x, rule.init(x)), iter(range(1, 1 << 60))
    parameter = torch.zeros(size, requires_grad=True)
    parameter.grad = torch.from_numpy(g.copy())
    fused = torch.optim.AdamW([parameter], fused=True)

    def theirs() -> None:
        # In place: from the second call on the norm is 1 already, and the work the same.
        torch.nn.utils.clip_grad_norm_([parameter], 1.0)
        fused.step()

    contestants: Contestants = {"numba": lambda: step(g, next(counter)), "torch fused": theirs}
    work = f"AdamW, clipped by the norm, N = {size:.0e}"
    return work, contestants, [("numba", "torch fused", 0.8)]


def free(threads: int) -> list[Case]:
    r"""Schedule-free AdamW: x, v and z are read and written, and g is read, as Adam's arrays are.

    The point of the next gradient, which depends on x and z alone, belongs to the gradient.
    """
    size = 10_000_000
    g = np.random.default_rng(0).standard_normal(size, dtype=np.float32)
    x = np.zeros(size, np.float32)
    rule = schedule_free(optedu.rules.get("adamw").at(beta1=0))
    step, counter = rule.kernel("numba").bind(x, rule.init(x)), iter(range(1, 1 << 60))
    contestants: Contestants = {
        "numba": lambda: step(g, next(counter)),
        "floor": _floor(size, "float32", threads),
    }
    return [(f"schedule-free AdamW, N = {size:.0e}", contestants, [("numba", "floor", 1.15)])]


def muon(threads: int) -> list[Case]:
    r"""Muon on 20 matrices. PyTorch iterates in bfloat16, which some processors multiply faster.

    The products of the iteration alone say how much of a step they are, and what the narrow numbers
    are worth: of 8 bits, where float32 has 24.
    """
    import torch

    count, shape = 20, (256, 1024)
    rng = np.random.default_rng(0)
    grads = [rng.standard_normal(shape, dtype=np.float32) for _ in range(count)]
    ours = optedu.Optimizer("muon", [np.zeros(shape, np.float32) for _ in grads])
    parameters = [torch.zeros(shape, requires_grad=True) for _ in grads]
    for there, parameter, g in zip(ours.grads, parameters, grads, strict=True):
        there[...] = g
        parameter.grad = torch.from_numpy(g)
    theirs = torch.optim.Muon(parameters)
    scaled = [g / np.linalg.norm(g) for g in grads]

    def products(matrices: list[Any]) -> Callable[[], None]:
        def run() -> None:
            for m in matrices:
                for _ in range(5):
                    gram = m @ m.T
                    (gram @ gram.T) @ m

        return run

    tensors = [torch.from_numpy(m) for m in scaled]
    contestants: Contestants = {
        "numpy": ours.step,
        "torch": theirs.step,
        "numpy, products in float32": products(scaled),
        "torch, products in float32": products(tensors),
        "torch, products in bfloat16": products([m.bfloat16() for m in tensors]),
    }
    work = f"Muon, {count} matrices of {shape[0]} x {shape[1]}, float32"
    return [(work, contestants, [("numpy", "torch", 1.0)])]


# -- a step of a whole network -------------------------------------------------------------------


def perceptron(threads: int) -> list[Case]:
    r"""A training step of a network 784-256-10: forward, backward and Adam."""
    import torch

    hidden = 256
    x, y = _examples(SIDE * SIDE)
    there = torch.nn.Sequential(
        torch.nn.Linear(SIDE * SIDE, hidden), torch.nn.ReLU(), torch.nn.Linear(hidden, CLASSES)
    )
    h, dh = (np.empty((hidden, BATCH), np.float32) for _ in range(2))  # a column for each example
    z = np.empty((CLASSES, BATCH), np.float32)

    def slopes(p: Arrays, d: Arrays) -> float:
        np.matmul(p["0.weight"], x.T, out=h)
        np.maximum(np.add(h, p["0.bias"][:, None], out=h), 0, out=h)
        np.matmul(p["2.weight"], h, out=z)
        loss = _cross_entropy(np.add(z, p["2.bias"][:, None], out=z).T, y)
        np.matmul(z, h.T, out=d["2.weight"])
        np.sum(z, axis=1, out=d["2.bias"])
        np.matmul(p["2.weight"].T, z, out=dh)
        np.multiply(dh, h > 0, out=dh)
        np.matmul(dh, x, out=d["0.weight"])
        np.sum(dh, axis=1, out=d["0.bias"])
        return loss

    work = f"a training step of a network 784-256-10, batch {BATCH}"
    return [(work, _both(there, x, y, slopes), [("numpy", "torch eager", 0.7)])]


def convolution(threads: int) -> list[Case]:
    r"""A training step of a net with two convolutions, each with a pooling, and a last layer."""
    import torch

    x, y = _examples(1, SIDE, SIDE)
    there = torch.nn.Sequential(
        torch.nn.Conv2d(1, 8, 3, padding=1),
        torch.nn.ReLU(),
        torch.nn.MaxPool2d(2),
        torch.nn.Conv2d(8, 16, 3, padding=1),
        torch.nn.ReLU(),
        torch.nn.MaxPool2d(2),
        torch.nn.Flatten(),
        torch.nn.Linear(16 * 49, CLASSES),
    )
    first, second = _Convolution(1, 8, SIDE), _Convolution(8, 16, SIDE // 2)
    images = np.ascontiguousarray(x.transpose(1, 0, 2, 3))

    def slopes(p: Arrays, d: Arrays) -> float:
        a = first.forward(images, p["0.weight"], p["0.bias"])
        b = second.forward(a, p["3.weight"], p["3.bias"])
        flat = b.transpose(1, 0, 2, 3).reshape(BATCH, -1)
        z = flat @ p["7.weight"].T + p["7.bias"]
        loss = _cross_entropy(z, y)
        np.matmul(z.T, flat, out=d["7.weight"])
        np.sum(z, axis=0, out=d["7.bias"])
        db = (z @ p["7.weight"]).reshape(BATCH, 16, 7, 7).transpose(1, 0, 2, 3)
        da = second.backward(db, p["3.weight"], d["3.weight"], d["3.bias"])
        first.backward(da, None, d["0.weight"], d["0.bias"])
        return loss

    work = f"a training step of a small convolution net, batch {BATCH}"
    return [(work, _both(there, x, y, slopes), [("numpy", "torch eager", 1.5)])]


class _Convolution:
    r"""A convolution of 3 x 3, a pooling of 2 x 2 and max(0, .), on arrays (channel, image, ...).

    The largest of four and zero is the same in whichever order; a quarter is left to compare.
    """

    def __init__(self, channels: int, kernels: int, side: int) -> None:
        self._padded = np.zeros((channels, BATCH, side + 2, side + 2), np.float32)
        self._back = np.empty_like(self._padded)
        self._patches = np.empty((channels, 3, 3, BATCH, side, side), np.float32)
        self._slope = np.empty((kernels, BATCH, side, side), np.float32)
        self._side = side

    def _windows(self, padded: np.ndarray) -> list[tuple[int, int, np.ndarray]]:
        s = self._side
        return [(i, j, padded[:, :, i : i + s, j : j + s]) for i in range(3) for j in range(3)]

    def forward(self, x: np.ndarray, w: np.ndarray, b: np.ndarray) -> np.ndarray:
        self._padded[:, :, 1:-1, 1:-1] = x
        for i, j, window in self._windows(self._padded):
            self._patches[:, i, j] = window
        out = w.reshape(len(w), -1) @ self._patches.reshape(w[0].size, -1)
        out += b[:, None]
        out = out.reshape(len(w), BATCH, self._side, self._side)
        self._quarters = [out[:, :, i::2, j::2] for i in (0, 1) for j in (0, 1)]
        top = np.maximum(self._quarters[0], self._quarters[1])
        for quarter in self._quarters[2:]:
            np.maximum(top, quarter, out=top)
        self._top = np.maximum(top, 0, out=top)
        return self._top

    def backward(
        self, slope: np.ndarray, w: np.ndarray | None, dw: np.ndarray, db: np.ndarray
    ) -> np.ndarray | None:
        slope = slope * (self._top > 0)
        for k, quarter in enumerate(self._quarters):
            target = self._slope[:, :, k // 2 :: 2, k % 2 :: 2]
            np.multiply(slope, quarter == self._top, out=target)
        flat = self._slope.reshape(len(dw), -1)
        np.matmul(flat, self._patches.reshape(dw[0].size, -1).T, out=dw.reshape(len(dw), -1))
        np.sum(flat, axis=1, out=db)
        if w is None:  # nobody asks for the slope along the images
            return None
        patches = (w.reshape(len(w), -1).T @ flat).reshape(self._patches.shape)
        self._back[...] = 0
        for i, j, window in self._windows(self._back):
            window += patches[:, i, j]
        return self._back[:, :, 1:-1, 1:-1]


def _examples(*shape: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((BATCH, *shape), dtype=np.float32)
    return x, rng.integers(0, CLASSES, BATCH)


def _cross_entropy(z: np.ndarray, y: np.ndarray) -> float:
    r"""Return the mean loss; `z` becomes its slope."""
    rows = np.arange(len(y))
    z -= z.max(axis=1, keepdims=True)
    np.exp(z, out=z)
    z /= z.sum(axis=1, keepdims=True)
    loss = -float(np.log(z[rows, y]).mean())
    z[rows, y] -= 1
    z /= len(y)
    return loss


def _both(
    there: Any, x: np.ndarray, y: np.ndarray, slopes: Callable[[Arrays, Arrays], float]
) -> Contestants:
    r"""Return a training step of each side, after a look at whether both have the same slopes."""
    import torch

    inputs, labels = torch.from_numpy(x), torch.from_numpy(y)
    optimizer = torch.optim.Adam(there.parameters())

    def backward() -> Any:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(there(inputs), labels)
        loss.backward()
        return loss

    params = {n: p.detach().numpy().copy() for n, p in there.named_parameters()}
    adam = optedu.Optimizer("adam", params)
    p, d = adam.params, adam.grads
    loss = backward().item()
    for _ in range(2):  # nothing may be left over from a step before
        np.testing.assert_allclose(slopes(p, d), loss, rtol=1e-4)
    for name, parameter in there.named_parameters():
        np.testing.assert_allclose(d[name], parameter.grad.numpy(), rtol=1e-3, atol=1e-6)

    def ours() -> None:
        slopes(p, d)
        adam.step()

    def theirs() -> None:
        backward()
        optimizer.step()

    return {"numpy": ours, "torch eager": theirs}


SECTIONS: dict[str, Callable[[int], list[Case]]] = {
    "clipping": clipping,
    "free": free,
    "muon": muon,
    "perceptron": perceptron,
    "convolution": convolution,
}


# -- shared --------------------------------------------------------------------------------------


def _row(
    taken: dict[str, list[float]], goals: list[tuple[str, str, float]], **case: Any
) -> dict[str, Any]:
    def against(ours: str, theirs: str, limit: float) -> dict[str, Any]:
        pairs = [a / b for a, b in zip(taken[ours], taken[theirs], strict=True)]
        medians = statistics.median(taken[ours]) / statistics.median(taken[theirs])
        paired = statistics.median(pairs)
        return {"ours": ours, "theirs": theirs, "paired": paired, "medians": medians, "goal": limit}

    seconds = {name: summary(values).json() for name, values in taken.items()}
    return {**case, "seconds": seconds, "goals": [against(*goal) for goal in goals]}


def _print_row(row: dict[str, Any]) -> None:
    print(f"{row['work']}, {row['threads']} thread(s)")
    for name, t in row["seconds"].items():
        spread = f"({t['lower'] * 1e6:.3g} to {t['upper'] * 1e6:.3g})"
        print(f"    {name:<28} {t['median'] * 1e6:>12,.1f} us {spread}", flush=True)


def _print_goals(record: dict[str, Any]) -> None:
    table = Table(title=f"Ours / theirs, on {record['machine']['processor']}")
    for heading in ("work", "ours", "against", "turn by turn", "of medians", "goal", ""):
        words = heading in ("work", "ours", "against", "")
        table.add_column(heading, justify="left" if words else "right")
    for row in record["rows"]:
        for goal in row["goals"]:
            met = "met" if goal["paired"] <= goal["goal"] else "MISSED"
            numbers = (f"{goal[key]:.2f}" for key in ("paired", "medians", "goal"))
            work = f"{row['work']}, {row['threads']} thread(s)"
            table.add_row(work, goal["ours"], goal["theirs"], *numbers, met)
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
