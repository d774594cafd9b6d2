r"""What a step moves, counted from the code, against counts by hand."""

import pytest

import optedu
from optedu.compile.traffic import Pass, Traffic, passes, traffic

RULES = optedu.rules.all(matrices=False)


def test_gradient_descent_by_hand():
    r"""lr*g, then x - that: g and a temporary are read, and x."""
    sgd = RULES["sgd"]
    assert traffic(sgd, "array") == Traffic(2, 3, 2, 1, 2)
    assert traffic(sgd, "numpy") == Traffic(2, 3, 2, 1, 2)
    assert traffic(sgd, "fused") == Traffic(1, 2, 1, 0, 2)


def test_adam_by_hand():
    adam = RULES["adam"]
    # Three passes for m, four for v, one for each correction, five for x.
    assert traffic(adam, "array").passes == 3 + 4 + 2 + 5
    # The corrections have become two numbers.
    assert traffic(adam, "numpy").passes == 12
    fused = traffic(adam, "fused")
    assert (fused.reads, fused.writes) == (4, 3)
    assert fused.bytes(10, 8) == 7 * 10 * 8


@pytest.mark.parametrize("name", RULES)
def test_fusing_never_moves_more(name):
    rule = RULES[name]
    counts = [traffic(rule, form) for form in ("fused", "numpy", "array")]
    moved = [c.reads + c.writes for c in counts]
    # Sums are taken before anything is changed: in place, what they are of is computed twice.
    assert rule.sums or moved == sorted(moved)
    assert moved[0] == min(moved)
    kept = {eq.lhs for eq in rule.equations if eq.rhs.is_Symbol and eq.lhs.name.endswith("_new")}
    states = sum(not s.scalar and s.new not in kept for s in rule.states)
    assert counts[0].writes == 1 + states


@pytest.mark.parametrize("name", RULES)
def test_blocks_move_in_memory_what_fusing_moves_and_the_rest_in_the_cache(name):
    rule = RULES[name]
    blocked, fused = traffic(rule, "blocked"), traffic(rule, "fused")
    assert (blocked.reads, blocked.writes) == (fused.reads, fused.writes)
    whole = passes(rule, "numpy")
    for one, other in zip(passes(rule, "blocked"), whole, strict=True):
        assert one.reads + one.writes + one.cached == other.reads + other.writes
        assert other.cached == 0


def test_a_block_of_momentum_by_hand():
    r"""rho*b, b + g, lr*b, x - that: b comes first, then g, then x; b goes back before x."""
    assert passes(RULES["momentum"], "blocked") == [
        Pass(1, 0, 1), Pass(1, 1, 1), Pass(0, 0, 2), Pass(1, 1, 1)
    ]  # fmt: skip


def test_bad_input():
    wanted = "form must be one of array, numpy, blocked, fused, got 'c'"
    with pytest.raises(ValueError, match=wanted):
        traffic(RULES["adam"], "c")
    with pytest.raises(ValueError, match="itemsize must be at least 1, got 0"):
        traffic(RULES["adam"], "fused").bytes(10, 0)
