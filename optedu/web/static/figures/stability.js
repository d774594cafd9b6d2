// Where a momentum method converges on a quadratic: the plane of lr * h and rho, h a curvature,
// with the reader's own point in it. Loaded by figures that have this view, and by no others.
import { mix, scale } from "./draw.js";
import { LIMITS } from "./limits.js";
import { EIGEN, RULES } from "./printed.js";
import { View } from "./views.js";

const COLUMNS = 120;
const ROWS = 80;
const DASHES = [[], [7, 4], [2, 3]];

export class Stability extends View {
  constructor(fig, spec) {
    super(fig, spec);
    const aim = (u, rho) => {
      if (!this.able) return;
      const round = (v, lo, hi) => Number(Math.max(lo, Math.min(hi, v)).toPrecision(4));
      const lr = round(u / this.largest, 1e-4, this.spec.to / this.largest);
      this.fig.set({ hyper: { lr, momentum: round(rho, 0, 0.999) } });
    };
    this.pointer((px, py) => aim(this.sx.invert(px), this.sy.invert(py)), {
      grab: (px, py) => this.able && Math.hypot(px - this.at[0], py - this.at[1]) < 32,
    });
    this.keys((dx, dy) => this.able && aim(this.u + (dx * this.spec.to) / 200, this.run.hyper.momentum + dy / 100));
  }

  /** The run whose point is moved: the first that has a momentum and is linear. */
  get run() {
    return this.fig.runs.find((r) => LIMITS[r.rule.name] && "momentum" in r.hyper);
  }

  get able() {
    return this.run && this.fig.problem.curvatures;
  }

  get largest() {
    return Math.max(...this.fig.problem.curvatures);
  }

  /** Where the point of the largest curvature stands, in lr * h. */
  get u() {
    return this.run.hyper.lr * this.largest;
  }

  /** The modulus of the larger eigenvalue of a step of a rule, with h = 1. */
  radius(name, lr, momentum) {
    const e = EIGEN[name](1, { ...this.defaults(name), lr, momentum });
    return Math.max(Math.hypot(e[0], e[1]), Math.hypot(e[2], e[3]));
  }

  defaults(name) {
    return Object.fromEntries(RULES[name].hypers.map((k) => [k.name, k.default]));
  }

  update() {
    const { x, y, w, h } = this.box;
    this.sx = scale(0, this.spec.to, x, x + w);
    this.sy = scale(0, 1, y + h, y);
    const names = this.spec.rules.map((n) => RULES[n].title).join(" and ");
    this.describe(`Where ${names} converges, over learning rate times curvature and momentum. ` +
      "Arrow keys move the point, with Shift ten times as far.");
  }

  /** One colour a cell: how fast it shrinks inside the border of the first rule, grey outside. */
  paint() {
    const [name] = this.spec.rules;
    const { heat, bad } = this.c;
    this.image = document.createElement("canvas");
    this.image.width = COLUMNS;
    this.image.height = ROWS;
    const ctx = this.image.getContext("2d");
    const img = ctx.createImageData(COLUMNS, ROWS);
    for (let j = 0, o = 0; j < ROWS; j++) {
      for (let i = 0; i < COLUMNS; i++, o += 4) {
        const r = this.radius(name, ((i + 0.5) * this.spec.to) / COLUMNS, 1 - (j + 0.5) / ROWS);
        const k = 2 * Math.min(1, r ** 2);
        const colour = r > 1 ? bad : mix(heat[k | 0], heat[Math.min(2, (k | 0) + 1)], k % 1);
        img.data.set([...colour, 255], o);
      }
    }
    ctx.putImageData(img, 0, 0);
    this.inked = this.c;
  }

  draw() {
    if (!this.able) return this.note("The map is for momentum methods on a quadratic.");
    const c = this.clear();
    const { ctx, box, sx, sy, fig } = this;
    const { x, y, w, h } = box;
    if (this.inked !== c) this.paint();
    ctx.imageSmoothingEnabled = true;
    ctx.drawImage(this.image, x, y, w, h);
    this.axes(box, sx, sy, "ηh, rate × curvature", "ρ, momentum", "transparent");
    this.clip(7);
    this.spec.rules.forEach((name, i) => {
      const own = this.defaults(name);
      const limit = (k) => LIMITS[name](1, { ...own, momentum: k / 100 });
      const run = fig.runs.find((r) => r.rule.name === name);
      for (const [colour, width] of [[c.paper, 4], [run ? run.colour : c.text, 2]]) {
        this.ink(colour, width, width > 2 ? [] : DASHES[i % 3]);
        this.path(0, 100, (k) => sx(limit(k)), (k) => sy(k / 100));
      }
      if (this.spec.rules.length < 2) return;
      // The names stand where nothing converges.
      const row = y + h - 14 - 16 * i;
      this.ink(run ? run.colour : c.text, 2, DASHES[i % 3]);
      this.line(x + w - 96, row, x + w - 72, row);
      this.text(RULES[name].title.split(" ")[0], x + w - 68, row);
    });
    for (const run of fig.runs) {
      if (!LIMITS[run.rule.name] || !("momentum" in run.hyper)) continue;
      const { lr, momentum } = run.hyper;
      const known = fig.problem.curvatures.map((lam) => [sx(Math.min(2 * sx.hi, lr * lam)), sy(momentum)]);
      this.ink(c.paper, 4);
      this.line(...known.flat());
      this.ink(run.colour, 2);
      this.line(...known.flat());
      known.slice(0, -1).forEach((p) => this.dot(...p, 5, run.colour, c.paper));
      const [px, py] = known[known.length - 1];
      if (run === this.run) this.at = [px, py];
      ctx.fillStyle = c.paper;
      ctx.fillRect(px - 7, py - 7, 14, 14);
      ctx.fillStyle = run.colour;
      ctx.fillRect(px - 5.5, py - 5.5, 11, 11);
    }
    ctx.restore();
    this.text("fast", x + w - 86, y - 14, { align: "right", colour: c.soft });
    for (let k = 0; k < 24; k++) {
      const v = k / 12;
      ctx.fillStyle = `rgb(${mix(c.heat[v | 0], c.heat[Math.min(2, (v | 0) + 1)], v % 1)})`;
      ctx.fillRect(x + w - 80 + 2 * k, y - 18, 2, 8);
    }
    this.text("slow", x + w, y - 14, { align: "right", colour: c.soft });
  }
}
