"""Backward passes, gradient checks, loops and diagnoses, right and wrong."""

from tests.assignments.bench import Bench

BENCH = Bench("ps14_network")

BENCH.right(
    "in_plain_loops",
    block="""def block_backward(xp, A, W, b, D, slope):
    Z = xp.matmul(A, W) + b
    bent = xp.where(Z > 0, xp.ones_like(Z), slope * xp.ones_like(Z))
    E = bent * D
    ones = xp.ones_like(A[..., :1])
    return (
        xp.matmul(E, xp.matrix_transpose(W)) + D,
        xp.matmul(xp.matrix_transpose(A), E),
        xp.matmul(xp.matrix_transpose(ones), E),
    )
""",
    smooth="""def score_slopes(Z, labels, smoothing):
    out = [[0.0] * len(row) for row in Z]
    known = sum(1 for label in labels if label >= 0)
    for i, label in enumerate(labels):
        if label < 0:
            continue
        e = [float(np.exp(z - max(Z[i]))) for z in Z[i]]
        for j in range(len(e)):
            target = smoothing / len(e) + (1 - smoothing if j == label else 0)
            out[i][j] = (e[j] / sum(e) - target) / known
    return out
""",
    check="""def wrong_arrays(f, w, g, scale):
    names = set()
    for name, part in w.items():
        flat = part.ravel()
        for k in range(flat.size):
            h = 1e-5 * scale[name]
            up, down = flat.copy(), flat.copy()
            up[k], down[k] = up[k] + h, down[k] - h
            rise = f(w | {name: up.reshape(part.shape)}) - f(w | {name: down.reshape(part.shape)})
            if abs(rise / h / 2 - g[name].ravel()[k]) > 3e-9 / scale[name]:
                names.add(name)
    return sorted(names, reverse=True)
""",
    loop="""def train(w, grad, step, X, y, batch, epochs, seed):
    rng = np.random.default_rng(seed)
    trained = {name: (part, None) for name, part in w.items()}
    number = 0
    for _ in range(epochs):
        left = list(rng.permutation(len(X)))
        while left:
            rows, left = left[:batch], left[batch:]
            number += 1
            slopes = grad({name: pair[0] for name, pair in trained.items()}, X[rows], y[rows])
            for name, (x, state) in trained.items():
                trained[name] = step(x, slopes[name], state, number)
    return {name: pair[0] for name, pair in trained.items()}
""",
)
BENCH.right(
    "in_other_words",
    smooth="""def score_slopes(Z, labels, smoothing):
    rows = np.flatnonzero(labels >= 0)
    out = np.zeros(Z.shape)
    if len(rows) == 0:
        return out
    logs = Z[rows] - np.max(Z[rows], axis=1, keepdims=True)
    logs = logs - np.log(np.sum(np.exp(logs), axis=1, keepdims=True))
    slopes = np.exp(logs) - smoothing / Z.shape[1]
    slopes[np.arange(len(rows)), labels[rows]] -= 1 - smoothing
    out[rows] = slopes / len(rows)
    return out
""",
    loop="""def train(w, grad, step, X, y, batch, epochs, seed):
    rng, n = np.random.default_rng(seed), len(X)
    new, states = {**w}, {name: None for name in w}
    per_epoch = -(-n // batch)
    for epoch in range(epochs):
        order = np.arange(n)
        rng.shuffle(order)
        images, labels = X[order], y[order]
        for k in range(per_epoch):
            cut = slice(k * batch, (k + 1) * batch)
            g = grad(dict(new), images[cut], labels[cut])
            done = {a: step(new[a], g[a], states[a], epoch * per_epoch + k + 1) for a in new}
            new = {a: pair[0] for a, pair in done.items()}
            states = {a: pair[1] for a, pair in done.items()}
    return new
""",
    leaky="leaky = 1 / (n * (sp.Rational(1, 2) + a**2 / 2))",
    frozen="frozen = (n * h + (L - 1) * h**2 + h * c) + (h * c + h * c + h**2)",
    pieces="pieces = (p * u + q * v) / (p + q) - (u + v) / 2",
    break_a="gradients_a = [[-9, 9], [0, -1.0]]",
    break_b="gradient_b = np.array([0.0, 4.0])",
)
BENCH.right(
    "with_other_experiments",
    narrow="""def narrow(w, m, lr, method):
    start, k = dict(w), w["W1"].shape[1] // m
    start["W1"] = w["W1"].reshape(-1, k, m).mean(axis=2)
    start["b1"] = w["b1"].reshape(k, m).mean(axis=1)
    start["W2"] = w["W2"].reshape(k, m, -1).sum(axis=1)
    if method == "adam":
        return start, dict(W1=lr, b1=lr, W2=lr * m, b2=lr)
    return start, dict(W1=lr / m, b1=lr / m, W2=lr * m, b2=lr)
""",
    diagnose="""def diagnose(fit):
    if not np.any(fit([[0.0], [1.0], [2.0]], [0, 0, 1], [[0.0], [7.0]])):
        return "D"
    X = [[k % 2] for k in range(320)]
    y = [k % 2 for k in range(320)]
    low, high = fit(X, y, [[0.0], [1.0]])
    one, two = fit(X, y, [[50.0], [51.0]])
    if abs(high - one) + abs(low - one) > 0 and abs(low - one) + abs(high - two) < 1e-6:
        return "N"
    if high - low < 2:
        return "L"
    same = [[1.0]] * 320
    early = fit(same, [1] * 160 + [0] * 160, [[1.0]])[0]
    late = fit(same, [0] * 160 + [1] * 160, [[1.0]])[0]
    return "O" if late - early > 1.5 else "R"
""",
    leaky='leaky = "2/(n + n*a**2)"',
    counted=(
        "right = (1 - beta2**t) ** sp.Rational(1, 2) / (1 - beta1**t)\n"
        "counted = right.subs(t, K * t, simultaneous=True) / right"
    ),
)
BENCH.right(
    "in_another_order",
    frozen="frozen = n*h + c*h + L*h**2 + 2*h*c",
    break_b="angle = 1.7\nsize = 3 * np.cos(angle) + 4 * np.sin(angle)\n"
    "gradient_b = size * np.cos(angle), size * np.sin(angle)",
    order=BENCH.order("positive", "triangle", "small", "jacobian", "back", "one", "all"),
)

BENCH.wrong(
    "no_skip_on_the_way_back",
    "block_back",
    "a change of A passes as it is",
    BENCH.edit("block", ("D + E @ xp", "E @ xp")),
)
BENCH.wrong(
    "the_skip_bent_too",
    "block_back",
    "by A comes (10, 0), not",
    BENCH.edit("block", ("D + E @ xp", "E + E @ xp")),
)
BENCH.wrong(
    "not_transposed",
    "block_back",
    "by A comes (10, 0), not",
    BENCH.edit("block", ("E @ xp.matrix_transpose(W)", "E @ W")),
)
BENCH.wrong(
    "nothing_bent",
    "block_back block_own",
    "by A comes (10, 0), not",
    BENCH.edit("block", ("xp.where(A @ W + b > 0, D, slope * D)", "D")),
)
BENCH.wrong(
    "bent_at_the_input",
    "block_back block_own",
    "by A comes (10, 0), not",
    BENCH.edit("block", ("A @ W + b > 0", "A > 0")),
)
BENCH.wrong(
    "a_mean_of_the_mean",
    "block_own",
    "the loss was a mean already",
    BENCH.edit(
        "block",
        ("xp.matrix_transpose(A) @ E", "xp.matrix_transpose(A) @ E / A.shape[-2]"),
        ("keepdims=True)", "keepdims=True) / A.shape[-2]"),
    ),
)
BENCH.wrong(
    "all_axes_turned",
    "block_any",
    "which axes does .T exchange",
    BENCH.edit(
        "block", ("xp.matrix_transpose(W)", "W.T"), ("xp.matrix_transpose(A)", "A.T"), ("-2", "0")
    ),
)
BENCH.wrong(
    "always_double",
    "block_any",
    "float32 arrays come back as float64",
    BENCH.edit("block", ("E = xp.where", "D = xp.astype(D, xp.float64)\n    E = xp.where")),
)
BENCH.wrong(
    "numpy_alone",
    "block_any",
    "use the functions of xp",
    {
        "block": BENCH.edit("block")["block"].replace(
            "    E = ", "    xp = np\n    A, W, b, D = map(np.asarray, (A, W, b, D))\n    E = "
        )
    },
)
BENCH.wrong(
    "mean_over_all",
    "smooth",
    "the mean is over this one",
    BENCH.edit("smooth", ("max(known.sum(), 1)", "len(Z)")),
)
BENCH.wrong(
    "smoothed_over_the_others",
    "smooth",
    "s/K goes to every class",
    {
        "smooth": BENCH.edit("smooth")["smooth"].replace(
            "    known =",
            "    right = labels[:, None] == np.arange(count)\n"
            "    target = np.where(right, 1 - smoothing, smoothing / (count - 1))\n"
            "    known =",
        )
    },
)
BENCH.wrong(
    "overflow",
    "smooth",
    "take the largest score off",
    BENCH.edit("smooth", ("Z - Z.max(axis=1, keepdims=True)", "Z")),
)
BENCH.wrong(
    "none_divided_by_none",
    "smooth",
    "no example has a label",
    BENCH.edit("smooth", ("max(known.sum(), 1)", "known.sum()")),
)
BENCH.wrong(
    "without_label_is_the_last_class",
    "smooth",
    "has no slope",
    BENCH.edit(
        "smooth",
        ("labels[:, None] ==", "labels[:, None] % count =="),
        ("known = labels >= 0", "known = labels >= -1"),
    ),
)
BENCH.wrong(
    "forward_difference",
    "check",
    "how exact is your difference",
    BENCH.edit("check", ("(1, -1)", "(1, 0)"), ("(2 * h)", "h")),
)
BENCH.wrong(
    "tolerant",
    "check",
    "which differences see that",
    BENCH.edit("check", ("> 1e-8", "> 1e-4")),
)
BENCH.wrong(
    "tiny_h",
    "check",
    "how exact is your difference",
    BENCH.edit("check", ("3e-16 ** (1 / 3)", "1e-12")),
)
BENCH.wrong(
    "one_h_for_all",
    "check",
    "which h is best for each array",
    BENCH.edit("check", ("h = scale[name] * 3e-16", "h = 3e-16")),
)
BENCH.wrong(
    "sum_of_the_gaps",
    "check",
    "one slope of b is too large by a half",
    BENCH.edit(
        "check", ("gaps.append(abs(", "gaps.append(("), ("max(gaps) * scale", "sum(gaps) * scale")
    ),
)
BENCH.wrong(
    "first_slope_only",
    "check",
    "one slope of b is too large by a half",
    BENCH.edit("check", ("np.ndindex(w[name].shape)", "[(0,) * w[name].ndim]")),
)
BENCH.wrong(
    "labels_apart",
    "loop_rows",
    "come with the labels of others",
    BENCH.edit("loop", ("y[rows]", "y[chance.permutation(len(X))[: len(rows)]]")),
)
BENCH.wrong(
    "last_batch_dropped",
    "loop_rows loop_steps",
    "a last batch with fewer is used too",
    BENCH.edit("loop", ("range(0, len(X), batch)", "range(0, len(X) - batch + 1, batch)")),
)
BENCH.wrong(
    "shuffled_once",
    "loop_rows",
    "shuffle in each",
    BENCH.edit(
        "loop",
        (
            "    for _ in range(epochs):\n        order = chance.permutation(len(X))\n",
            "    order = chance.permutation(len(X))\n    for _ in range(epochs):\n",
        ),
    ),
)
BENCH.wrong(
    "not_shuffled",
    "loop_rows",
    "without a shuffle",
    BENCH.edit("loop", ("chance.permutation(len(X))", "np.arange(len(X))")),
)
BENCH.wrong(
    "drawn_with_replacement",
    "loop_rows",
    "each example comes once",
    BENCH.edit("loop", ("chance.permutation(len(X))", "chance.integers(len(X), size=len(X))")),
)
BENCH.wrong(
    "another_seed_each_time",
    "loop_rows",
    "with the same seed the orders are the same",
    BENCH.edit("loop", ("default_rng(seed)", "default_rng()")),
)
BENCH.wrong(
    "a_count_for_each_array",
    "loop_steps",
    "t counts steps, from 1",
    BENCH.edit(
        "loop",
        ("g, t = grad(w, X[rows], y[rows]), t + 1", "g = grad(w, X[rows], y[rows])"),
        ("for name in w:\n", "for name in w:\n                t += 1\n"),
    ),
)
BENCH.wrong(
    "counted_from_zero",
    "loop_steps",
    "t counts steps, from 1",
    BENCH.edit("loop", ("state[name], t)", "state[name], t - 1)")),
)
BENCH.wrong(
    "anew_in_each_epoch",
    "loop_steps",
    "t begins anew in each epoch",
    BENCH.edit("loop", ("order = chance", "t = 0\n        order = chance")),
)
BENCH.wrong(
    "one_state_for_all",
    "loop_steps",
    "the last step of the same array",
    BENCH.edit(
        "loop",
        ("dict.fromkeys(w), 0", "None, 0"),
        (
            "w[name], state[name] = step(w[name], g[name], state[name], t)",
            "w[name], state = step(w[name], g[name], state, t)",
        ),
    ),
)
BENCH.wrong("as_for_relu", "leaky", "leaky", {"leaky": "leaky = 2 / n / (1 + a)"})
BENCH.wrong("slope_of_the_mean", "leaky", "leaky", {"leaky": "leaky = 4 / (n * (1 + a) ** 2)"})
BENCH.wrong(
    "everything_trained",
    "frozen",
    "frozen",
    {"frozen": "frozen = 3 * (n * h + (L - 1) * h**2 + h * c) - n * h"},
)
BENCH.wrong(
    "back_to_the_frozen_units",
    "frozen",
    "frozen",
    {"frozen": "frozen = n * h + (L + 1) * h**2 + 3 * h * c"},
)
BENCH.wrong(
    "the_difference_the_other_way",
    "pieces",
    "pieces",
    {"pieces": "pieces = (u + v) / 2 - (p * u + q * v) / (p + q)"},
)
BENCH.wrong(
    "the_mean_itself",
    "pieces",
    "pieces",
    {"pieces": "pieces = (p * u + q * v) / (p + q)"},
)
BENCH.wrong(
    "one_correction_only",
    "counted",
    "counted",
    {"counted": "counted = sp.sqrt((1 - beta2 ** (K * t)) / (1 - beta2**t))"},
)
BENCH.wrong(
    "added_in_place_of_multiplied",
    "counted",
    "counted",
    {
        "counted": "right = sp.sqrt(1 - beta2**t) / (1 - beta1**t)\n"
        "counted = right.subs(t, t + K - 1) / right"
    },
)
BENCH.wrong(
    "outgoing_as_they_are",
    "narrow_start",
    "does not start with the scores of the wide one",
    BENCH.edit("narrow", ('m * w["W2"][::m]', 'w["W2"][::m]')),
)
BENCH.wrong(
    "the_first_units",
    "narrow_start",
    "does not start with the scores of the wide one",
    BENCH.edit(
        "narrow",
        ('w["W1"][:, ::m]', 'w["W1"][:, : w["W1"].shape[1] // m]'),
    ),
)
BENCH.wrong(
    "one_rate_for_all",
    "narrow_rates",
    "after one step W2",
    BENCH.edit("narrow", ("lr / m if", "lr if"), ('"W2": m * lr', '"W2": lr')),
)
BENCH.wrong(
    "incoming_as_in_the_wide",
    "narrow_rates",
    "gd, groups of 2: after one step W1",
    BENCH.edit("narrow", ("lr / m if", "lr if")),
)
BENCH.wrong(
    "adam_like_descent",
    "narrow_rates",
    "adam, groups of 3: after one step W1",
    BENCH.edit("narrow", ('if method == "gd" else lr', "")),
)
BENCH.wrong(
    "all_incoming_slower",
    "narrow_rates",
    "after one step b2",
    BENCH.edit("narrow", ('"b2": lr}', '"b2": lr / m}')),
)
BENCH.wrong(
    "mixed_labels_unseen",
    "diagnose_data",
    "shuffles examples and labels separately",
    BENCH.edit("diagnose", ("alone > 2", "alone > -9")),
)
BENCH.wrong(
    "one_kind_of_new_examples",
    "diagnose_data",
    "standardizes X_new by itself",
    BENCH.edit("diagnose", ("> 1e-6", "> 1e6")),
)
BENCH.wrong(
    "full_batches_only",
    "diagnose_order",
    "drops a last batch that is not full",
    BENCH.edit("diagnose", ("X[::32], y[::32]", "X, y")),
)
BENCH.wrong(
    "mixed_data_for_the_order",
    "diagnose_order",
    "does not shuffle",
    BENCH.edit("diagnose", ("np.zeros((160, 1)), y,", "np.zeros((160, 1)), np.arange(160) % 2,")),
)
BENCH.wrong(
    "always_right",
    "diagnose_data diagnose_order",
    'is found to be "R"',
    {"diagnose": 'def diagnose(fit):\n    return "R"\n'},
)
BENCH.wrong(
    "both_long",
    "break_a",
    "turns this gradient by",
    {"break_a": "gradients_a = ([10, 0], [0, 2])"},
)
BENCH.wrong(
    "both_short",
    "break_a",
    "turns this gradient by 0 degrees",
    {"break_a": "gradients_a = ([0.5, 0], [0, 0.1])"},
)
BENCH.wrong(
    "as_long_as_the_gradient",
    "break_b",
    "the list is 5 long",
    {"break_b": "gradient_b = [5, 0]"},
)
BENCH.wrong(
    "too_near",
    "break_b",
    "away from the gradient",
    {"break_b": "gradient_b = [3, 4]"},
)
BENCH.wrong(
    "one_before_back",
    "order",
    "Nothing is known yet",
    {"order": BENCH.order("jacobian", "small", "triangle", "one", "back", "positive", "all")},
)
