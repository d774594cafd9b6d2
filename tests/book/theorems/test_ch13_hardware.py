"""The statements of chapter 13: simulated memories and processors, and arithmetic in fractions."""

from __future__ import annotations

import math
from collections import OrderedDict
from fractions import Fraction

import numpy as np
import pytest


class Memory:
    """Count the elements that pass between memory and a cache that keeps the last ones used."""

    def __init__(self, room):
        self.room, self.kept = room, OrderedDict()
        self.read, self.written = {}, {}

    def touch(self, array, i, *, write, whole=True):
        """Use an element; who overwrites a whole one need not read it before."""
        place = (array, i)
        if place in self.kept:
            dirty = self.kept.pop(place)
        else:
            dirty = False
            if not (write and whole):
                self.read[place] = self.read.get(place, 0) + 1
            if len(self.kept) == self.room:
                self._push_out(*self.kept.popitem(last=False))
        self.kept[place] = dirty or write

    def _push_out(self, place, dirty):
        if dirty:
            self.written[place] = self.written.get(place, 0) + 1

    def flush(self):
        while self.kept:
            self._push_out(*self.kept.popitem(last=False))

    def moved(self, *arrays):
        counts = [*self.read.items(), *self.written.items()]
        return sum(n for (array, _), n in counts if not arrays or array in arrays)


# A step of Adam as passes over arrays: what each reads, and what it overwrites.
PASSES = [
    ("m", "m"),
    ("g", "p"),
    ("mp", "m"),
    ("v", "v"),
    ("g", "p"),
    ("p", "p"),
    ("vp", "v"),
    ("v", "p"),
    ("p", "p"),
    ("mp", "p"),
    ("p", "p"),
    ("xp", "x"),
]
KEPT = "xgmv"  # and p lies in between


def run(passes, n, room, block):
    """Return the memory after these passes, done on one block after the other."""
    memory = Memory(room)
    for low in range(0, n, block):
        for reads, write in passes:
            for i in range(low, min(low + block, n)):
                for array in reads:
                    memory.touch(array, i, write=False)
                memory.touch(write, i, write=True)
    memory.flush()
    return memory


def fused(n, room):
    """Return the memory after one loop that does everything with an element at a time."""
    memory = Memory(room)
    for i in range(n):
        for array in KEPT:
            memory.touch(array, i, write=False)
        for array in "mvx":
            memory.touch(array, i, write=True)
    memory.flush()
    return memory


def nearest(x, digits):
    """Round a fraction to the nearest number with so many binary digits, ties to even."""
    if x == 0:
        return Fraction(0)
    e = math.floor(math.log2(abs(x)))
    e += (Fraction(2) ** (e + 1) <= abs(x)) - (Fraction(2) ** e > abs(x))
    unit = Fraction(2) ** (e - digits + 1)
    return round(x / unit) * unit  # round() of a fraction goes to even


@pytest.mark.theorem("thm-hw-floor")
def test_every_new_element_depends_on_each_of_the_four_old_ones():
    def step(x, g, m, v):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        return x - 0.1 * (m / 0.19) / (math.sqrt(v / 0.002) + 1e-8), m, v

    old = [1.0, -0.5, 0.3, 0.2]
    differs = np.array(
        [
            np.not_equal(step(*old), step(*(a + 0.1 * (i == k) for i, a in enumerate(old))))
            for k in range(4)
        ]
    )
    assert differs.any(axis=1).all()  # so all four must be read
    assert differs.any(axis=0).all()  # and all three are new


@pytest.mark.theorem("thm-hw-floor")
@pytest.mark.parametrize("room", [6, 20, 64, 150])
def test_no_program_on_a_simulated_memory_moves_fewer_than_seven_arrays(room):
    n = 60
    for block in (1, 3, 10, 30, n):
        assert run(PASSES, n, room, block).moved(*KEPT) >= 7 * n
    assert fused(n, room).moved() == 7 * n


@pytest.mark.theorem("prop-hw-crossover")
def test_calls_take_more_than_half_exactly_below_the_crossover():
    rng = np.random.default_rng(0)
    for _ in range(500):
        p, a, w = (int(k) for k in rng.integers(1, 30, 3))
        b, c = int(rng.integers(1, 10**6)), Fraction(int(rng.integers(1, 99)), 10**4)
        meeting = Fraction(b * c * p, a * w)
        for n in (meeting - 1, meeting, meeting + Fraction(1, 10**6), int(meeting), 2 * meeting):
            total = p * c + Fraction(a * n * w, b)
            assert (p * c > total / 2) == (n < meeting)


@pytest.mark.theorem("prop-hw-blocks")
@pytest.mark.parametrize("room", [5, 23, 40, 100])
def test_with_blocks_that_fit_each_element_comes_once_and_goes_back_once(room):
    arrays, n = 5, 57
    for passes in (PASSES, PASSES * 3, PASSES[::-1]):
        for block in range(1, room // arrays + 1):
            memory = run(passes, n, room, block)
            assert max(memory.read.values()) == 1
            assert max(memory.written.values()) == 1
        # Blocks twice as large do not fit: something comes again.
        memory = run(passes, n, room, 2 * room // arrays)
        assert max(memory.read.values()) > 1


@pytest.mark.theorem("prop-hw-roofline")
def test_no_simulated_program_does_more_than_the_roof_allows():
    rng = np.random.default_rng(1)
    nearest_roof = 0.0
    for _ in range(300):
        most, bandwidth = (int(k) for k in rng.integers(1, 50, 2))
        # Pieces of a program: bytes that must be here before, or after, so many operations.
        pieces = rng.integers(1, 300, size=(int(rng.integers(1, 8)), 2))
        to_move, to_do, ticks, operations = 0, 0, 0, 0
        waiting = [(int(size), int(work)) for size, work in pieces]
        loads = [size for size, _ in waiting]
        while waiting or to_do:
            ticks += 1
            to_move += bandwidth  # a tick moves at most so many bytes
            while loads and loads[0] <= to_move:  # all of a piece is here: it may be computed
                to_move -= loads.pop(0)
                to_do += waiting.pop(0)[1]
            done = min(most, to_do)  # and does at most so many operations
            to_do, operations = to_do - done, operations + done
        intensity = pieces[:, 1].sum() / pieces[:, 0].sum()
        speed = operations / ticks
        assert speed <= min(most, intensity * bandwidth) * (1 + 1e-12)
        nearest_roof = max(nearest_roof, speed / min(most, intensity * bandwidth))
    assert nearest_roof > 0.95  # some program reaches the roof


@pytest.mark.theorem("thm-hw-lost")
@pytest.mark.parametrize("digits", [2, 3, 5])
def test_all_short_steps_of_small_formats_are_lost_and_a_longer_one_is_not(digits):
    for e in (-2, 0, 3):
        limit = Fraction(2) ** (e - digits - 1)
        for k in range(2 ** (digits - 1)):
            x = Fraction(2) ** e + k * Fraction(2) ** (e - digits + 1)
            assert nearest(x, digits) == x < 2 ** (e + 1)
            for n in range(-63, 64):
                for sign in (1, -1):
                    assert nearest(sign * x - limit * Fraction(n, 64), digits) == sign * x
        beyond = limit * Fraction(65, 64)
        assert nearest(Fraction(2) ** e - beyond, digits) != Fraction(2) ** e


@pytest.mark.theorem("thm-hw-lost")
def test_every_float16_of_normal_size_loses_steps_just_below_the_limit():
    positive = np.arange(0x0400, 0x7C00, dtype=np.uint16).view(np.float16).astype(np.float64)
    e = np.floor(np.log2(positive))
    step = np.nextafter(2.0 ** (e - 11 - 1), 0)
    for x in (positive, -positive):
        for d in (step, -step):  # computed in double precision: one rounding, to float16
            assert ((x - d).astype(np.float16) == x).all()
    powers = positive == 2.0**e
    longer = 1.01 * 2.0 ** (e - 11 - 1)
    assert ((positive - longer).astype(np.float16) != positive)[
        powers & (positive > 2.0**-14)
    ].all()


@pytest.mark.theorem("thm-hw-rounding")
@pytest.mark.parametrize("digits", [3, 6, 11])
def test_no_moments_in_a_short_format_are_farther_off_than_the_bound(digits):
    rng, u = np.random.default_rng(2), Fraction(1, 2**digits)
    gamma, worst = 4 * u / (1 - 4 * u), Fraction(0)

    def fl(x):
        return nearest(x, digits)

    for _ in range(4000):
        g, m, v = (nearest(Fraction(float(x)), digits) for x in rng.normal(size=3))
        v = abs(v)
        beta1, beta2 = (Fraction(int(k), 1000) for k in rng.integers(1, 1000, 2))
        new_m = fl(fl(fl(beta1) * m) + fl(fl(1 - beta1) * g))
        new_v = fl(fl(fl(beta2) * v) + fl(fl(1 - beta2) * fl(g * g)))
        exact_m, exact_v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g
        assert abs(new_v - exact_v) <= gamma * exact_v
        assert abs(new_m - exact_m) <= gamma * (beta1 * abs(m) + (1 - beta1) * abs(g))
        worst = max(worst, abs(new_v - exact_v) / (exact_v or 1))
    assert worst > u  # one rounding would not explain it: several add up
