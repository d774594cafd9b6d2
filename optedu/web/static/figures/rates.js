// Schedules: the learning rate against the step, with handles, and the expected loss on a quadratic.
// Loaded by figures that have one of these views, or a run with a schedule, and by no others.
import { fmt, scale } from "./draw.js";
import { tidy } from "./engine.js";
import { RULES, noise_std, warmup_lr } from "./printed.js";
import { KNOBS, MOMENTS, SHAPES } from "./shapes.js";
import { View } from "./views.js";

const clamp = (v, lo, hi) => Math.max(lo, Math.min(hi, v));

/** A rule by a name such as `sgd cosine`: the rule, and in each step the rate of the schedule. */
export function scheduled(name, fig) {
  const [base, shape] = name.split(" ");
  const rule = RULES[base];
  const [plain, warmed, own] = SHAPES[shape];
  const rate = (t, h) => {
    const whole = (v, lo, hi) => clamp(Math.round(v), lo, hi);
    const warmup = whole(h.warmup, warmed ? 0 : 1, fig.s.steps - 1);
    // A shape with a rise of its own knows of it; before another one it takes from the steps.
    const steps = fig.s.steps - (warmed ? warmup : 0);
    return (warmed && warmup ? warmed : plain)(t, { ...h, warmup, steps, cooldown: whole(h.cooldown, 1, steps) });
  };
  const hypers = Object.entries(own).map(([key, value]) => ({ ...KNOBS[key], min: KNOBS[key].lo, name: key, default: value }));
  return {
    ...rule, name, base, shape, rate, least: warmed ? 0 : 1, hypers: [...rule.hypers, ...hypers],
    step: (x, g, state, t, h) => rule.step(x, g, state, t, { ...h, lr: rate(t, h) }),
  };
}

/** For free play: a choice of a schedule, which makes a run anew; its own settings stay. */
export function chooser(fig, run) {
  const { shape, base, name } = run.rule;
  const select = document.createElement("select");
  select.append(new Option("none", ""), ...Object.entries(SHAPES).map(([key, one]) => new Option(one[3], key)));
  select.value = shape ?? "";
  select.addEventListener("change", () => {
    const other = fig.run([base ?? name, select.value].join(" ").trim(), {}, run.warmup, run.label);
    for (const key in other.hyper) other.hyper[key] = run.hyper[key] ?? other.hyper[key];
    // The warm-up of a run, and that of a schedule.
    if ("warmup" in other.hyper) {
      other.hyper.warmup = Math.max(other.rule.least, other.hyper.warmup, run.warmup);
      other.warmup = 0;
    } else other.warmup = run.hyper.warmup ?? run.warmup;
    const i = fig.runs.indexOf(run);
    fig.runs.splice(i, 1, other);
    fig.deck();
    // The cards are new: the reader goes on where the old one was.
    const more = fig.cards.children[i].querySelector("details");
    more.open = true;
    more.querySelector("select").focus();
    fig.set({});
  });
  const label = document.createElement("label");
  label.className = "of-choice";
  label.append("Schedule", select);
  return label;
}

/** The rate of step t of a run, with a schedule or without. */
export const rateOf = ({ rule, hyper, warmup }, t) =>
  rule.rate ? rule.rate(t, hyper) : warmup > 0 ? warmup_lr(hyper.lr, t, warmup) : hyper.lr;

/** The curvature along each coordinate of a quadratic with its minimum at 0, asked of its gradient; null of others. */
export function curvatures(problem) {
  if (!problem.curvatures || problem.example || problem.minima[0].some((v) => v !== 0)) return null;
  const x = new Float64Array(problem.dim);
  const g = new Float64Array(problem.dim);
  const out = [];
  for (let i = 0; i < x.length; i++) {
    x[i] = 1;
    problem.grad(x, g, 1);
    out.push(g[i]);
    if (g.some((v, j) => j !== i && Math.abs(v) > 1e-12)) return null;
    x[i] = 0;
  }
  return out;
}

/** The expected loss above the minimum after 0, 1, ... steps: second moments, step by step; null where they are not known. */
export function expected(problem, run, { start, steps, noise, batch }) {
  const moment = MOMENTS[run.rule.base ?? run.rule.name];
  const lam = moment && curvatures(problem);
  if (!lam) return null;
  const second = start.map((v) => v * v);
  const variance = lam.map((_, i) => (noise_std(noise, batch) * (problem.spread?.[i] ?? 1)) ** 2);
  const loss = () => second.reduce((sum, v, i) => sum + (lam[i] * v) / 2, 0);
  const out = [loss()];
  for (let t = 1; t <= steps; t++) {
    const h = { ...run.hyper, lr: rateOf(run, t) };
    for (let i = 0; i < lam.length; i++) second[i] = moment(second[i], lam[i], variance[i], h);
    out.push(loss());
  }
  return out;
}

/** What can be dragged: where it stands on the curve, which way it goes, and what it says. */
const HANDLES = {
  lr: { word: "peak rate", at: (v) => [Math.max(1, v.rise), v.h.lr], up: true },
  warmup: {
    word: "length of the warm-up", at: (v) => [v.rise / 2, v.rise > 1 ? v.rate(v.rise / 2) : v.h.lr / 2],
    set: (t) => 2 * t, range: (v) => [v.least, v.T - (v.h.cooldown ?? 1)],
  },
  cooldown: { word: "start of the cooldown", at: (v) => [v.T - v.h.cooldown, v.h.lr], set: (t, v) => v.T - t, range: (v) => [1, v.T - v.rise] },
  lr_start: { word: "first rate", at: (v) => [1, v.h.lr_start], up: true },
  lr_end: { word: "final rate", at: (v) => [v.T, v.h.lr_end], up: true },
  every: { word: "steps between two drops", at: (v) => [v.rise + v.h.every, v.rate(v.rise + v.h.every)], set: (t, v) => t - v.rise, range: (v) => [1, v.T] },
  // The factor has no place on the curve: it is the one with which the curve passes there.
  drop: { word: "factor of a drop", at: (v) => [v.fall, v.rate(v.fall)], up: true },
};

export class Rates extends View {
  constructor(fig, spec) {
    super(fig, spec);
    this.el.classList.add("of-scene");
    fig.handles = spec.handles;
    this.knobs = document.createElement("div");
    this.select = document.createElement("select");
    this.select.addEventListener("change", () => this.choose(Number(this.select.value)));
    const label = document.createElement("label");
    label.className = "of-choice";
    label.append("Handles on", this.select);
    this.label = label;
    this.el.append(this.knobs, label);
    this.canvas.addEventListener("click", (e) => {
      const { left, top } = this.canvas.getBoundingClientRect();
      const t = clamp(Math.round(this.sx.invert(e.clientX - left)), 1, fig.s.steps);
      const away = fig.runs.map((run) => Math.abs(this.sy(rateOf(run, t)) - (e.clientY - top)));
      const near = Math.min(...away);
      if (near < 24) this.choose(away.indexOf(near));
    });
  }

  choose(i) {
    this.fig.handles = i;
    this.fig.set({});
  }

  get run() {
    return this.fig.runs[this.fig.handles] ?? this.fig.runs[0];
  }

  /** What the handles need to know of the chosen run. */
  known() {
    const { run, fig } = this;
    const T = fig.s.steps;
    const rise = Math.round(run.hyper.warmup ?? run.warmup);
    const h = { ...run.hyper, warmup: rise };
    if ("cooldown" in h) h.cooldown = clamp(h.cooldown, 1, T - rise);
    const { every } = h;
    return { T, rise, h, least: run.rule.least ?? 0, rate: (t) => rateOf(run, clamp(t, 1, T)), fall: every ? Math.min(T, rise + every + 1) : T };
  }

  update() {
    const { fig, spec, box } = this;
    const { runs, s } = fig;
    const names = runs.map((run) => run.label);
    if (names.join() !== this.names) {
      this.names = names.join();
      this.select.replaceChildren(...names.map((name, i) => new Option(name, i)));
    }
    this.label.style.display = names.length > 1 ? "" : "none";
    if (!runs[fig.handles]) fig.handles = 0;
    this.select.value = fig.handles;
    this.sx = scale(0, s.steps, box.x, box.x + box.w);
    this.sy = scale(0, Math.max(spec.to, ...runs.map((run) => run.hyper.lr)), box.y + box.h, box.y);
    const wanted = Object.keys(HANDLES).filter((name) => name in this.run.hyper || (name === "warmup" && this.run.warms));
    const key = [this.run.label, ...wanted].join();
    if (key !== this.key) {
      this.key = key;
      this.buttons = Object.fromEntries(wanted.map((name) => [name, this.handle(name)]));
      this.knobs.replaceChildren(...Object.values(this.buttons));
    }
    this.place();
    const rates = runs.map((run) => `${run.label} from ${fmt(rateOf(run, 1))} to ${fmt(rateOf(run, s.steps))}`);
    this.describe(`Learning rate against the step, one line for each schedule: ${rates.join("; ")}.`);
  }

  /** A handle: a slider for a mouse, a finger, and the arrow keys. */
  handle(name) {
    const { up } = HANDLES[name];
    const el = document.createElement("button");
    el.type = "button";
    el.className = "of-handle";
    el.setAttribute("role", "slider");
    el.setAttribute("aria-orientation", up ? "vertical" : "horizontal");
    el.style.cursor = up ? "ns-resize" : "ew-resize";
    // Its words and its value stand beside it while it is held, pointed at, or has the focus.
    const shows = (active) => () => {
      this.active = active;
      this.draw();
    };
    for (const type of ["focus", "pointerenter"]) el.addEventListener(type, shows(name));
    for (const type of ["blur", "pointerleave"]) el.addEventListener(type, shows(""));
    el.addEventListener("pointerdown", (e) => {
      el.setPointerCapture(e.pointerId);
      el.focus();
    });
    el.addEventListener("pointermove", (e) => {
      if (!el.hasPointerCapture(e.pointerId)) return;
      const { left, top } = this.canvas.getBoundingClientRect();
      this.move(name, up ? this.sy.invert(e.clientY - top) : this.sx.invert(e.clientX - left));
    });
    el.addEventListener("keydown", (e) => {
      const way = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[e.key];
      if (!way || e.ctrlKey || e.metaKey || e.altKey) return;
      e.preventDefault();
      const one = up ? this.sy.hi / 100 : Math.max(1, Math.round(this.fig.s.steps / 100));
      const at = HANDLES[name].at(this.known())[up ? 1 : 0];
      // A warm-up moves by two, for its handle stands in its middle.
      this.move(name, at + way * one * (e.shiftKey ? 10 : 1) * (name === "warmup" ? 0.5 : 1));
    });
    return el;
  }

  /** Takes a handle to a rate (or, if it goes sideways, to a step). */
  move(name, to) {
    const v = this.known();
    const { up, set, range } = HANDLES[name];
    let value;
    if (!up) value = Math.round(clamp(set(to, v), ...range(v)));
    else if (name === "drop") value = this.through(v.fall, clamp(to, 0, v.h.lr));
    else value = tidy({}, clamp(to, name === "lr" ? this.sy.hi / 500 : 0, this.sy.hi));
    const own = name in this.run.hyper;
    this.fig.set({ ...(own ? { hyper: { [name]: value } } : { warmup: value }), only: this.run });
  }

  /** The factor with which the chosen curve has the given rate at step t: halvings. */
  through(t, rate) {
    let [lo, hi] = [0, 1];
    for (let k = 0; k < 40; k++) {
      const drop = (lo + hi) / 2;
      if (this.run.rule.rate(t, { ...this.run.hyper, drop }) < rate) lo = drop;
      else hi = drop;
    }
    return Number(hi.toPrecision(5));
  }

  /** Puts the handles where their places on the curve are, and says what they stand for. */
  place() {
    const v = this.known();
    for (const [name, el] of Object.entries(this.buttons)) {
      const { at, up, word, range } = HANDLES[name];
      const [t, rate] = at(v);
      const value = name === "cooldown" ? t : v.h[name];
      el.style.transform = `translate(${this.sx(t) - 16}px, ${this.sy(rate) - 16}px)`;
      el.setAttribute("aria-label", `${this.run.label}: ${word}`);
      el.setAttribute("aria-valuemin", range && name !== "cooldown" ? range(v)[0] : 0);
      el.setAttribute("aria-valuemax", Number((up ? (name === "drop" ? 1 : this.sy.hi) : v.T).toPrecision(4)));
      el.setAttribute("aria-valuenow", Number(value.toPrecision(5)));
      el.setAttribute("aria-valuetext", name === "cooldown" ? `step ${t}` : fmt(value));
    }
  }

  draw() {
    const c = this.clear();
    const { ctx, box, sx, sy, fig } = this;
    const { steps } = fig.s;
    this.axes(box, sx, sy, "step", "learning rate");
    this.clip(6);
    const t = clamp(fig.s.t, 1, steps);
    // The chosen curve last, on top of the others.
    for (const run of [...fig.runs.filter((one) => one !== this.run), this.run]) {
      const chosen = run === this.run;
      this.ink(run.colour, chosen ? 3 : 2, run.dash);
      ctx.globalAlpha = chosen ? 1 : 0.6;
      this.path(1, steps, sx, (k) => sy(rateOf(run, k)));
      ctx.globalAlpha = 1;
      if (fig.s.t > 0 && fig.s.t < steps) this.dot(sx(t), sy(rateOf(run, t)), 4, run.colour, c.paper);
    }
    ctx.restore();
    const v = this.known();
    this.ink(this.run.colour, 1.5, [2, 3]);
    // Without a warm-up the rate is at its height at once.
    if (this.buttons.warmup && v.rise <= v.least) this.line(sx(0), sy(0), sx(0), sy(v.h.lr));
    for (const name in this.buttons) {
      const { at, up, word } = HANDLES[name];
      const [x, y] = [sx(at(v)[0]), sy(at(v)[1])];
      this.dot(x, y, 8, c.paper, this.run.colour);
      // Which way it goes.
      this.ink(this.run.colour, 2);
      for (const way of [-1, 1]) {
        if (up) this.line(x - 3, y + 2 * way, x, y + 5 * way, x + 3, y + 2 * way);
        else this.line(x + 2 * way, y - 3, x + 5 * way, y, x + 2 * way, y + 3);
      }
      if (name !== this.active) continue;
      const words = `${word}: ${this.buttons[name].getAttribute("aria-valuetext")}`;
      const right = x > box.x + box.w / 2;
      const place = [words, x + (right ? 8 : -8), Math.max(box.y + 6, y - 28)];
      ctx.textAlign = right ? "right" : "left";
      ctx.textBaseline = "middle";
      this.ink(c.paper, 4);
      ctx.strokeText(...place);
      this.text(...place, { align: ctx.textAlign });
    }
  }
}

export class Expected extends View {
  update() {
    const { fig, box, w } = this;
    box.w = w - box.x - 62; // beside it stand the ends
    this.rows = fig.runs.filter((run) => (run.result.expected ??= expected(fig.problem, run, fig.setup(run))));
    if (!this.rows.length) return;
    const seen = this.rows.flatMap(({ result }) => result.expected.filter((v) => v > 1e-18 && v < 1e6));
    const [lo, hi] = seen.length ? [Math.min(...seen), Math.max(...seen)] : [0.1, 1];
    this.sx = scale(0, fig.s.steps, box.x, box.x + box.w);
    this.sy = scale(lo / 2, hi * 2, box.y + box.h, box.y, true);
    const ends = this.rows.map(({ label, result }) => `${label}: ${fmt(result.expected.at(-1))}`);
    this.describe(`Expected loss against the step. At the end, ${ends.join("; ")}.`);
  }

  draw() {
    if (!this.rows.length) return this.note("The expected loss is known for SGD on a quadratic.");
    const c = this.clear();
    const { ctx, box, sx, sy, fig } = this;
    const { steps } = fig.s;
    const t = Math.min(fig.s.t, steps);
    this.axes(box, sx, sy, "step", "expected loss, and at its end");
    this.clip(5);
    const py = (v) => (v < Infinity ? sy(clamp(v, sy.lo / 2, sy.hi * 2)) : NaN);
    // One run of the chosen schedule, with its own noise.
    const one = fig.runs[fig.handles ?? 0];
    if (one?.result.expected) {
      this.ink(one.colour, 1);
      ctx.globalAlpha = 0.45;
      this.path(0, Math.min(t, one.result.last), sx, (k) => py(one.result.f[k] - (fig.problem.minimum ?? 0)));
      ctx.globalAlpha = 1;
    }
    for (const { result, colour, dash } of this.rows) {
      const y = (k) => py(result.expected[k]);
      this.ink(colour, 2, dash);
      ctx.globalAlpha = 0.32;
      this.path(t, steps, sx, y);
      ctx.globalAlpha = 1;
      this.path(0, t, sx, y);
      this.dot(sx(t), y(t), 4, colour, c.paper);
    }
    ctx.restore();
    let below = -Infinity;
    const ends = this.rows.map((run) => [run.result.expected[steps], run.colour]).filter(([v]) => v < Infinity);
    for (const [v, colour] of ends.sort((a, b) => b[0] - a[0])) {
      below = Math.max(clamp(sy(v), box.y, box.y + box.h), below + 15);
      this.text(fmt(v), box.x + box.w + 8, below, { colour });
    }
  }
}
