"""Expected losses, restarts, changed plans and free schedules, right and wrong."""

from tests.assignments.bench import Bench

BENCH = Bench("ps11_schedules")

BENCH.right(
    "by_small_matrices",
    expected_losses="""def expected_losses(xp, rates, h, var, e0, momentum=0.0):
    T, S = rates.shape
    n = h.shape[0]
    losses = xp.zeros((T + 1, S), dtype=h.dtype)
    for j in range(S):
        for i in range(n):
            a, b, c = e0[i], 0 * e0[i], 0 * e0[i]
            losses[0, j] = losses[0, j] + h[i] * a / 2
            for t in range(T):
                lr, q = rates[t, j], 1 - rates[t, j] * h[i]
                a, b, c = (
                    q * q * a - 2 * lr * momentum * q * b + (lr * momentum) ** 2 * c
                    + lr * lr * var[i],
                    h[i] * q * a + momentum * (q - lr * h[i]) * b - lr * momentum**2 * c
                    - lr * var[i],
                    h[i] ** 2 * a + 2 * momentum * h[i] * b + momentum**2 * c + var[i],
                )
                losses[t + 1, j] = losses[t + 1, j] + h[i] * a / 2
    return losses
""",
    restarts="""def restarts(t, lr, first, growth):
    begin, length = 1, first
    if growth == 1:
        begin += (t - 1) // first * first
    while t >= begin + length:
        begin += length
        length *= growth
    return lr * np.cos(np.pi * (t - begin) / length / 2) ** 2
""",
    share="""def share(t, plans):
    now, end, rest = 0.0, plans[0][1], list(plans[1:])
    for done in range(t - 1):
        if rest and rest[0][0] == done and done < end:
            end = rest.pop(0)[1]
        if done < end:
            now += (1 - now) / (end - done)
    return now
""",
    area="""j = sp.Symbol("j", integer=True, positive=True)
area = sp.summation(lr * j / T_w, (j, 1, T_w)) + sp.summation(lr * (1 - (j - 1) / T), (j, 1, T))
""",
    break_a="training_a = [199, 100, 20]",
)
BENCH.right(
    "in_one_array",
    expected_losses="""def expected_losses(xp, rates, h, var, e0, momentum=0.0):
    S, n = rates.shape[1], h.shape[0]
    zero = xp.zeros((S, n), dtype=h.dtype)
    moments = [zero + e0, zero, zero]
    found = [xp.sum(moments[0] * h, axis=-1)]
    for t in range(rates.shape[0]):
        lr = xp.reshape(rates[t, ...], (S, 1))
        a, b, c = moments
        c = momentum * momentum * c + 2 * momentum * h * b + h * h * a + var
        b = momentum * b + h * a
        a = a - lr * (2 * b - lr * c)
        moments = [a, b - lr * c, c]
        found.append(xp.sum(a * h, axis=-1))
    return 0.5 * xp.stack(found, axis=0)
""",
    restarts="""def restarts(t, lr, first, growth):
    done = t - 1
    if growth == 1:
        return lr * (1 + np.cos(np.pi * (done % first) / first)) / 2
    cycle = 0
    while first * (growth ** (cycle + 1) - 1) // (growth - 1) <= done:
        cycle += 1
    place = done - first * (growth**cycle - 1) // (growth - 1)
    return np.array(lr * (1 + np.cos(np.pi * place / (first * growth**cycle))) / 2)
""",
    share="""def share(t, plans):
    left, begun, end = 1.0, 0, None
    for done, steps in plans:
        if end is not None:
            if done >= end:
                break
            if done > t - 1:
                break
            left *= (end - done) / (end - begun)
        begun, end = done, steps
    return 1 - left * max(0.0, (end - (t - 1)) / (end - begun))
""",
    cooldown="cooldown = 1 / (h * (k + (2 - lr * h) / (lr * h)))",
    alike="alike = 1 / (1 / a - k * h)",
    same_floor="same_floor = (1 - rho) * lr / (1 - rho * lr * h / (1 + rho))",
    break_b="step_b = (365, 1, 3) if int(math.log(729, 3)) != 6 else (122, 1, 3)",
)
BENCH.right(
    "another_plan",
    plan="""def plan(T, h, var, e0):
    best, rates = np.inf, None
    done = np.arange(T) / T
    peaks = np.geomspace(0.01, 8, 50) / np.max(h)
    for drop in (0.2, 0.05, 0.02, 0.005, 0.001):
        shape = drop**done * np.sqrt(1 - done)
        e = np.ones((50, 1)) * e0
        for part in shape:
            e = (1 - part * peaks[:, None] * h) ** 2 * e + (part * peaks[:, None]) ** 2 * var
        ends = e @ h
        if ends.min() < best:
            best, rates = ends.min(), list(peaks[ends.argmin()] * shape)
    return rates
""",
    needed="""goal = tuned("line", 300)
needed = float(min(range(400, 1500, 20), key=lambda n: abs(tuned("constant", n) - goal)))
""",
    area='area = "lr*(T_w + 1)/2 + lr*(T + 1)/2"',
    order=BENCH.order("start", "grows", "fixed", "monotone", "assume", "above", "next", "end"),
)

LOSSES, SHARE = (BENCH.edit(name)[name] for name in ("expected_losses", "share"))

BENCH.wrong(
    "no_noise",
    "losses_plain losses_momentum",
    "with noise of variance 3",
    BENCH.edit("expected_losses", (" + h**2 * xx + var", " + h**2 * xx")),
)
BENCH.wrong(
    "mean_of_the_coordinates",
    "losses_plain losses_momentum",
    "added up, not averaged",
    {"expected_losses": LOSSES.replace("xp.sum(h * xx", "xp.mean(h * xx")},
)
BENCH.wrong(
    "rate_inside_the_buffer",
    "losses_momentum",
    "an old gradient is taken at the new rate",
    {
        "expected_losses": """def expected_losses(xp, rates, h, var, e0, momentum=0.0):
    xx = xp.zeros((rates.shape[1], h.shape[0]), dtype=h.dtype) + e0
    xv, vv = xp.zeros_like(xx), xp.zeros_like(xx)
    losses = [xp.sum(h * xx, axis=1) / 2]
    for t in range(rates.shape[0]):
        lr = rates[t, :, None]
        old = momentum * xv + lr * h * xx
        vv = momentum**2 * vv + 2 * momentum * lr * h * xv + lr**2 * (h**2 * xx + var)
        xv, xx = old - vv, xx - 2 * old + vv
        losses.append(xp.sum(h * xx, axis=1) / 2)
    return xp.stack(losses)
"""
    },
)
BENCH.wrong(
    "no_product_of_x_and_v",
    "losses_momentum",
    "the loss 1/2, 1/8, 0",
    BENCH.edit("expected_losses", ("xv = old - lr * vv", "xv = xp.zeros_like(old)")),
)
BENCH.wrong(
    "noise_in_v_alone",
    "losses_momentum",
    "through v both x and the product",
    BENCH.edit("expected_losses", ("xv = old - lr * vv", "xv = old - lr * (vv - var)")),
)
BENCH.wrong(
    "rates_along_the_coordinates",
    "losses_plain losses_momentum losses_any",
    "the losses at the rate 1/4 are 16, 4, 1",
    BENCH.edit("expected_losses", ("rates[t, :, None]", "rates[t, ...]")),
)
BENCH.wrong(
    "numpy_alone",
    "losses_any",
    "one of that library",
    {
        "expected_losses": LOSSES.replace(
            "    xx = xp.zeros",
            "    xp, rates, h = np, np.asarray(rates), np.asarray(h)\n"
            "    var, e0 = np.asarray(var), np.asarray(e0)\n    xx = xp.zeros",
        )
    },
)
BENCH.wrong(
    "changes_the_curvatures",
    "losses_any",
    "h belongs to the caller",
    BENCH.edit("expected_losses", ("    return xp.stack", "    h *= 0.5\n    return xp.stack")),
)
BENCH.wrong(
    "always_double",
    "losses_any",
    "float32 comes back",
    BENCH.edit("expected_losses", (", dtype=h.dtype", "")),
)
BENCH.wrong(
    "all_cycles_alike",
    "restarts",
    "steps 3, 9 and 21 half of it",
    BENCH.edit("restarts", ("if growth == 1:", "if True:")),
)
BENCH.wrong(
    "zero_inside_the_cycle",
    "restarts",
    "steps 3, 9 and 21 half of it",
    BENCH.edit("restarts", ("place / length", "place / max(1, length - 1)")),
)
BENCH.wrong(
    "longer_by_the_first",
    "restarts",
    "cycles of 4, 8, 16 steps",
    BENCH.edit("restarts", ("length *= growth", "length += first * (growth - 1)")),
)
BENCH.wrong(
    "by_a_logarithm",
    "restarts",
    "whole numbers do not round",
    {
        "restarts": """def restarts(t, lr, first, growth):
    done = t - 1
    if growth == 1:
        return lr * (1 + math.cos(math.pi * (done % first) / first)) / 2
    cycle = int(math.log(1 + done * (growth - 1) / first, growth))
    place = done - first * (growth**cycle - 1) // (growth - 1)
    return lr * (1 + math.cos(math.pi * place / (first * growth**cycle))) / 2
"""
    },
)
BENCH.wrong(
    "only_forwards",
    "restarts",
    "may ask for any step first",
    {
        "restarts": """cycle_now = {}
def restarts(t, lr, first, growth):
    begin, length = cycle_now.get((lr, first, growth), (1, first))
    while t >= begin + length:
        begin, length = begin + length, length * growth
    cycle_now[lr, first, growth] = begin, length
    return lr * (1 + math.cos(math.pi * (t - begin) / length)) / 2
"""
    },
)
BENCH.wrong(
    "share_that_jumps",
    "share",
    "the shares before steps 1, 6, 16",
    {
        "share": """def share(t, plans):
    steps = [steps for done, steps in plans if done < t][-1]
    return min(1.0, (t - 1) / steps)
"""
    },
)
BENCH.wrong(
    "from_the_start_again",
    "share",
    "the shares before steps 1, 6, 16",
    BENCH.edit("share", ("        now += (1 - now) * (done - begun) / (end - begun)\n", "")),
)
BENCH.wrong(
    "knows_the_plans_to_come",
    "share",
    "the shares before steps 1, 6, 16",
    BENCH.edit("share", ("done >= t - 1 or ", "")),
)
BENCH.wrong(
    "beyond_the_whole",
    "share",
    "after the run the share stays 1",
    BENCH.edit("share", ("min(1.0, ", "(")),
)
BENCH.wrong(
    "a_late_plan_wakes_it",
    "share",
    "the run was over",
    {
        "share": SHARE.replace(" or done >= end", "")
        .replace("(done - begun) / (end - begun)", "min(1, (done - begun) / (end - begun))")
        .replace("now += ", "now += -0.1 * (done >= end) + ")
    },
)
BENCH.wrong(
    "by_the_first_plan",
    "share",
    "each plan starts at the share that the one before has reached",
    BENCH.edit(
        "share", ("now += (1 - now) * (done - begun) / (end - begun)", "now = done / plans[0][1]")
    ),
)
BENCH.wrong(
    "one_step_early",
    "share",
    "the shares before steps 1, 6, 16",
    BENCH.edit("share", ("(t - 1 - begun)", "(t - begun)")),
)
BENCH.wrong("area_of_the_triangles", "area", "area", {"area": "area = lr * (T_w + T) / 2"})
BENCH.wrong(
    "first_rate_of_zero", "area", "area", {"area": "area = lr * (T_w - 1) / 2 + lr * (T + 1) / 2"}
)
BENCH.wrong("halved_again_and_again", "cooldown", "cooldown", {"cooldown": "cooldown = lr / 2**k"})
BENCH.wrong(
    "one_over_k",
    "cooldown",
    "cooldown",
    {"cooldown": "cooldown = lr / (1 + k)"},
)
BENCH.wrong("the_same_factor", "alike", "alike", {"alike": "alike = a / (1 - a * h) ** k"})
BENCH.wrong(
    "a_rule_of_thumb", "same_floor", "same_floor", {"same_floor": "same_floor = (1 - rho) * lr"}
)
BENCH.wrong(
    "half_a_cosine",
    "better",
    "times the best half cosine",
    BENCH.edit(
        "plan",
        (
            "peaks.ravel() * drops.ravel() ** done",
            "peaks.ravel() * (1 + np.cos(np.pi * done)) / 2",
        ),
    ),
)
BENCH.wrong(
    "the_best_next_step",
    "plan better",
    "times as high",
    {
        "plan": """def plan(T, h, var, e0):
    return greedy(T, h, var, e0)
"""
    },
)
BENCH.wrong(
    "one_peak_for_all",
    "plan better",
    "found anew for each problem",
    {
        "plan": """def plan(T, h, var, e0):
    return 0.8 * (1 + np.cos(np.pi * np.arange(T) / T))
"""
    },
)
BENCH.wrong("as_many_steps", "needed", "has not just come", {"needed": "needed = 600"})
BENCH.wrong(
    "a_small_remainder",
    "break_a",
    "when are these two numbers far apart",
    {"break_a": "training_a = (4999, 50, 30)"},
)
BENCH.wrong(
    "where_it_is_right",
    "break_b",
    "cycle_b is right",
    {"break_b": "step_b = (13, 4, 2)"},
)
BENCH.wrong(
    "above_before_monotone",
    "order",
    "keeps the order of two values has to be said first",
    {"order": BENCH.order("assume", "fixed", "above", "monotone", "grows", "next", "start", "end")},
)
