// The loss at the end over the learning rate, every other hyper as it is set: one real run a dot, the
// good region of each run as a bar. Loaded by figures that have this view, and by no others.
import { fmt, scale } from "./draw.js";
import { simulate, tidy, toValue } from "./engine.js";
import { View } from "./views.js";

const COUNT = 61;

export class Width extends View {
  constructor(fig, spec) {
    super(fig, spec);
    const aim = (v) => fig.set({ hyper: { lr: tidy({ scale: "log" }, Math.max(this.sx.lo, Math.min(this.sx.hi, v))) } });
    this.pointer((px) => aim(this.sx.invert(px)), { grab: (px) => Math.abs(px - this.sx(fig.runs[0].hyper.lr)) < 32 });
    this.keys((dx) => aim(fig.runs[0].hyper.lr * (this.sx.hi / this.sx.lo) ** (dx / (COUNT - 1))));
  }

  update() {
    const { fig, box, spec } = this;
    const { lo, hi, within } = spec;
    this.sx = scale(lo, hi, box.x, box.x + box.w, true);
    this.rates = Array.from({ length: COUNT }, (_, k) => toValue({ lo, hi, scale: "log" }, k / (COUNT - 1)));
    const first = fig.runs[0].result.f[0] - (fig.problem.minimum ?? 0);
    this.goal = first * within;
    this.rows = fig.runs.map((run) => {
      const key = JSON.stringify([{ ...run.hyper, lr: 0 }, run.rule.name, fig.problem.name, fig.setup(run, {})]);
      const old = this.rows?.find((row) => row.key === key);
      if (old) return { ...old, run };
      const ends = this.rates.map((lr) => {
        const r = simulate(fig.problem, run.rule, { ...run.hyper, lr }, fig.setup(run, {}));
        return r.diverged ? Infinity : r.f[r.steps] - (fig.problem.minimum ?? 0);
      });
      return { key, run, ends };
    });
    for (const row of this.rows) row.factor = this.factor(row);
    this.sy = scale(first * 1e-10, first * 1e6, box.y + box.h, box.y, true);
    this.describe(`Loss after ${fig.s.steps} steps over the learning rate. Good rates, ` +
      this.rows.map(({ run, factor }) => `${run.short}: ${factor ? `a factor of ${fmt(factor, 2)}` : "none"}`).join("; ") +
      ". Arrow keys move the rate.");
  }

  /** By which factor the rate may move among the good ones: dots that are good, times their distance. */
  factor({ ends }) {
    const good = ends.filter((v) => v <= this.goal).length;
    return good ? (this.sx.hi / this.sx.lo) ** (good / (COUNT - 1)) : 0;
  }

  draw() {
    const c = this.clear();
    const { ctx, box, sx, sy, rates, goal } = this;
    this.axes(box, sx, sy, "η, learning rate", `loss after ${this.fig.s.steps} steps`);
    this.clip(5);
    this.ink(c.soft, 1.5, [4, 4]);
    this.line(box.x, sy(goal), box.x + box.w, sy(goal));
    const pad = (sx(rates[1]) - sx(rates[0])) / 2;
    this.rows.forEach(({ run, ends, factor }, i) => {
      const y = box.y + 8 + 19 * i;
      const py = (k) => sy(Math.max(sy.lo, Math.min(sy.hi, ends[k])));
      this.ink(run.colour, 1.5, run.dash);
      this.path(0, COUNT - 1, (k) => sx(rates[k]), (k) => (ends[k] < Infinity ? py(k) : NaN));
      ctx.fillStyle = run.colour;
      ends.forEach((v, k) => {
        if (v < Infinity) this.dot(sx(rates[k]), py(k), 2, run.colour);
        if (v <= goal) ctx.fillRect(sx(rates[k]) - pad, y + 7, 2 * pad + 0.5, 4);
      });
      const open = ends[0] <= goal || ends[COUNT - 1] <= goal; // good beyond the end of the axis
      this.text(`${run.short}: ${factor ? (open ? "> " : "") + "× " + fmt(factor, 2) : "none"}`, box.x + 4, y, { colour: run.colour });
      const k = ends.findIndex((_, k) => rates[k] >= run.hyper.lr / 1.0001);
      if (k >= 0 && ends[k] < Infinity) this.dot(sx(rates[k]), py(k), 5, run.colour, c.paper);
    });
    ctx.restore();
  }
}
