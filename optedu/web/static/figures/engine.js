// Runs printed rules on printed problems. Nothing here knows an update rule: `rule.step` and
// `problem.f`, `problem.grad` are the functions that Python printed from SymPy.
import { noise_std, warmup_lr } from "./printed.js";

/** Numbers in [0, 1) from an integer seed (mulberry32). */
export function uniforms(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let z = Math.imul(a ^ (a >>> 15), a | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 4294967296;
  };
}

/** Standard normal numbers from an integer seed (polar method: Marsaglia 1964). */
export function normals(seed) {
  let spare = NaN;
  const uniform = uniforms(seed);
  return () => {
    if (spare === spare) {
      const out = spare;
      spare = NaN;
      return out;
    }
    let u, v, s;
    do {
      u = 2 * uniform() - 1;
      v = 2 * uniform() - 1;
      s = u * u + v * v;
    } while (s >= 1 || s === 0);
    const scale = Math.sqrt((-2 * Math.log(s)) / s);
    spare = v * scale;
    return u * scale;
  };
}

/** The mean gradient of `batch` examples of a problem, drawn with replacement. */
export function minibatch(problem, x, out, batch, uniform) {
  const one = new Float64Array(out.length);
  out.fill(0);
  for (let k = 0; k < batch; k++) {
    problem.example(Math.floor(problem.examples * uniform()), x, one);
    for (let i = 0; i < out.length; i++) out[i] += one[i] / batch;
  }
  return out;
}

const LIMIT = 1e150; // beyond this a run counts as diverged; its square is still a double

/**
 * One run. `setup` holds start, steps, noise, batch, seed, warmup and optionally `point`, the
 * coordinate whose state is recorded. Returns x (steps + 1 rows of dim), f, grad, the recorded
 * `state` per name, `last` (the last finite step) and `diverged` (a step, or 0).
 */
export function simulate(problem, rule, hyper, setup) {
  const { start, steps, noise = 0, batch = 1, seed = 0, warmup = 0, point = 0 } = setup;
  const n = problem.dim;
  const x = Float64Array.from(start);
  const g = new Float64Array(n);
  const state = rule.init(n, hyper, x);
  const h = { ...hyper };
  const X = new Float64Array((steps + 1) * n).fill(NaN);
  const F = new Float64Array(steps + 1).fill(NaN);
  const G = new Float64Array(steps + 1).fill(NaN);
  const record = {};
  for (const name in state) record[name] = new Float64Array(steps + 1).fill(NaN);
  const normal = noise > 0 ? normals(seed) : null;
  const spread = noise > 0 ? noise_std(noise, batch) : 0;
  const uniform = problem.examples ? uniforms(seed) : null;
  X.set(x);
  F[0] = problem.f(x, 1);
  for (const name in state) record[name][0] = rule.scalars[name] ? state[name] : state[name][point];
  let last = 0;
  let diverged = 0;
  for (let t = 1; t <= steps; t++) {
    if (uniform) minibatch(problem, x, g, batch, uniform);
    else problem.grad(x, g, t);
    if (normal) for (let i = 0; i < n; i++) g[i] += spread * (problem.spread?.[i] ?? 1) * normal();
    if (warmup > 0) h.lr = warmup_lr(hyper.lr, t, warmup);
    rule.step(x, g, state, t, h);
    if (problem.clip) {
      for (let i = 0; i < n; i++) x[i] = Math.min(problem.clip[1], Math.max(problem.clip[0], x[i]));
    }
    let ok = true;
    for (let i = 0; i < n; i++) ok &&= Math.abs(x[i]) < LIMIT;
    const f = ok ? problem.f(x, t) : NaN;
    if (!ok || !Number.isFinite(f)) {
      diverged = t;
      break;
    }
    X.set(x, t * n);
    F[t] = f;
    G[t] = g[point];
    for (const name in state) record[name][t] = rule.scalars[name] ? state[name] : state[name][point];
    last = t;
  }
  return { x: X, f: F, grad: G, state: record, last, diverged, dim: n, steps, end: { x: Array.from(x), state } };
}

/** What a chart can show, as a function of the step. Each reads a run; none restates a rule. */
export const QUANTITIES = {
  loss: { label: "loss above the minimum", log: true, from: 0, at: (r, t, p) => r.f[t] - (p.minimum ?? 0) },
  f: { label: "f(x)", from: 0, at: (r, t) => r.f[t] },
  x: { label: "x", from: 0, at: (r, t) => r.x[t * r.dim] },
  distance: {
    label: "distance to the minimum", log: true, from: 0,
    at: (r, t, p) => Math.hypot(...p.minima[0].map((m, i) => r.x[t * r.dim + i] - m)),
  },
  step: {
    label: "length of the step", log: true, from: 1,
    at: (r, t) => {
      let s = 0;
      for (let i = 0; i < r.dim; i++) s += (r.x[t * r.dim + i] - r.x[(t - 1) * r.dim + i]) ** 2;
      return Math.sqrt(s);
    },
  },
  g: { label: "gradient", from: 1, at: (r, t) => r.grad[t] },
  g2: { label: "squared gradient", log: true, from: 1, at: (r, t) => r.grad[t] ** 2 },
};

/** A quantity by name; a name that is none of the above is a state variable of the rule. */
export const quantity = (name) =>
  QUANTITIES[name] ?? {
    label: name, from: 1, log: true, at: (r, t) => r.state[name]?.[t] ?? NaN,
  };

/** A slider's position u in [0, 1] to a value, and back. `scale` is printed with each hyper. */
export function toValue({ lo, hi, scale }, u) {
  if (u <= 0) return lo;
  if (u >= 1) return hi;
  if (scale === "log") return lo * (hi / lo) ** u;
  if (scale === "complement") return 1 - (1 - lo) * ((1 - hi) / (1 - lo)) ** u;
  if (scale === "zerolog") return u < 0.02 ? 0 : 1e-4 * hi * 1e4 ** ((u - 0.02) / 0.98);
  return lo + (hi - lo) * u;
}

export function toPosition({ lo, hi, scale }, v) {
  let u = (v - lo) / (hi - lo);
  if (scale === "log") u = Math.log(v / lo) / Math.log(hi / lo);
  if (scale === "complement") u = Math.log((1 - v) / (1 - lo)) / Math.log((1 - hi) / (1 - lo));
  if (scale === "zerolog") u = v <= 0 ? 0 : 0.02 + (0.98 * Math.log(v / (1e-4 * hi))) / Math.log(1e4);
  return Math.min(1, Math.max(0, u));
}

/** Rounds a slider's value to what its label shows, so that label, link and run agree. */
export function tidy({ scale }, v) {
  if (scale === "int") return Math.round(v);
  if (scale === "complement" && v < 1 && v > 0) {
    const digits = Math.max(2, 1 - Math.floor(Math.log10(1 - v)));
    return Number(v.toFixed(digits));
  }
  return Number(v.toPrecision(3));
}

/** Final loss for each value of two hypers: a generator that yields after every row. */
export function* grid(problem, rule, hyper, setup, x, xs, y, ys) {
  const out = [];
  for (const b of ys) {
    for (const a of xs) {
      const r = simulate(problem, rule, { ...hyper, [x]: a, [y]: b }, setup);
      out.push(r.diverged ? Infinity : r.f[r.steps] - (problem.minimum ?? 0));
    }
    yield out;
  }
  return out;
}

/** Mean squared distance to the minimizer over the last half of a run: the noise floor. */
export function floorOf(problem, r) {
  if (r.diverged) return Infinity;
  const from = r.steps >> 1;
  let s = 0;
  for (let t = from + 1; t <= r.steps; t++) {
    for (let i = 0; i < r.dim; i++) s += (r.x[t * r.dim + i] - problem.minima[0][i]) ** 2;
  }
  return s / (r.steps - from);
}
