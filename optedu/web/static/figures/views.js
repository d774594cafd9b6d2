// The panes of a figure. A view draws what the figure holds (`fig.runs`, `fig.problem`, `fig.s`)
// at the step `fig.s.t`; it calls `fig.set(...)` when the reader moves something in it.
import { Pen, fmt, logTicks, mix, scale, surface } from "./draw.js";
import { floorOf, grid, quantity, simulate, tidy, toPosition, toValue } from "./engine.js";
import { EIGEN, PARTS, noise_floor } from "./printed.js";

const DASHES = [[], [6, 4], [2, 3]];

export class View extends Pen {
  constructor(fig, spec, label = "") {
    const canvas = document.createElement("canvas");
    super(canvas.getContext("2d"));
    this.fig = fig;
    this.spec = spec;
    this.canvas = canvas;
    this.el = document.createElement("div");
    this.el.className = "of-view of-" + spec.type;
    canvas.setAttribute("role", "img");
    this.describe(label);
    this.el.append(canvas);
  }

  describe(label) {
    this.canvas.setAttribute("aria-label", label);
  }

  resize(w, h) {
    const { canvas } = this;
    this.ratio = Math.min(3, window.devicePixelRatio || 1);
    this.w = w;
    this.h = h;
    canvas.width = Math.round(w * this.ratio);
    canvas.height = Math.round(h * this.ratio);
    canvas.style.width = w + "px";
    canvas.style.height = h + "px";
    this.box = { x: 46, y: 26, w: w - 64, h: h - 66 };
    this.update();
  }

  update() {}

  clear() {
    this.ctx.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    this.ctx.clearRect(0, 0, this.w, this.h);
    this.begin(this.fig.colours);
    return this.c;
  }

  /** Says why there is nothing to draw. */
  note(text) {
    const c = this.clear();
    this.text(text, this.w / 2, this.h / 2, { align: "center", colour: c.soft });
  }

  clip(pad) {
    const { x, y, w, h } = this.box;
    this.ctx.save();
    this.ctx.beginPath();
    this.ctx.rect(x - pad, y - pad, w + 2 * pad, h + 2 * pad);
    this.ctx.clip();
  }

  /** Calls `move(x, y)` in canvas pixels on a click, a drag, or the pointer's way if `hover`. */
  pointer(move, { hover = false, grab = () => true } = {}) {
    const c = this.canvas;
    let down = false;
    const at = (e) => {
      const r = c.getBoundingClientRect();
      return [e.clientX - r.left, e.clientY - r.top];
    };
    c.addEventListener("pointerdown", (e) => {
      if (e.pointerType === "touch" && !grab(...at(e))) return;
      down = true;
      c.setPointerCapture(e.pointerId);
      move(...at(e));
    });
    c.addEventListener("pointermove", (e) => {
      if (down || (hover && e.pointerType !== "touch")) move(...at(e));
    });
    for (const type of ["pointerup", "pointercancel"]) c.addEventListener(type, () => (down = false));
    c.addEventListener("click", (e) => move(...at(e)));
    // A finger scrolls the page unless it starts on the handle.
    c.addEventListener("touchstart", (e) => {
      if (grab(...at(e.touches[0]))) e.preventDefault();
    }, { passive: false });
  }

  keys(act) {
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "application");
    this.canvas.addEventListener("keydown", (e) => {
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[e.key];
      if (!way || e.ctrlKey || e.metaKey || e.altKey) return;
      e.preventDefault();
      const far = e.shiftKey ? 10 : 1;
      act(way[0] * far, way[1] * far);
    });
  }
}

/** The problem itself: contours and paths in two dimensions, the curve and its slope in one. */
class Plane extends View {
  constructor(fig, spec) {
    super(fig, spec);
    this.el.classList.add("of-scene"); // what may be seen before a prediction
    const round = (v) => Number(v.toPrecision(4));
    this.pointer((px, py) => {
      const { x, y, w, h } = this.box;
      const start = [round(this.sx.invert(Math.max(x, Math.min(x + w, px))))];
      if (!this.flat) start.push(round(this.sy.invert(Math.max(y, Math.min(y + h, py)))));
      fig.set({ start });
    }, { grab: (px, py) => Math.hypot(px - this.start[0], py - this.start[1]) < 32 });
    this.keys((...move) => fig.set({
      start: fig.s.start.map((v, i) => round(v + (move[i] * (this.window[i][1] - this.window[i][0])) / 100)),
    }));
  }

  update() {
    const { problem, colours: c } = this.fig;
    const { x, y, w, h } = this.box;
    const [wx, wy] = (this.window = this.spec.window ?? problem.window);
    this.flat = problem.dim === 1;
    this.sx = scale(...wx, x, x + w);
    this.describe(`${problem.title}: ${this.flat ? "curve and iterates" : "contours and paths"}. ` +
      "Arrow keys move the start, with Shift ten times as far.");
    if (this.flat) {
      const values = Array.from({ length: 201 }, (_, i) => problem.f([wx[0] + ((wx[1] - wx[0]) * i) / 200], 1));
      const lo = Math.min(...values);
      const hi = Math.max(...values);
      const pad = 0.08 * (hi - lo || 1);
      this.sy = scale(lo - 2 * pad, hi + pad, y + h, y);
      return;
    }
    this.sy = scale(...wy, y + h, y);
    const W = Math.round(w * this.ratio);
    const H = Math.round(h * this.ratio);
    const key = [problem.name, wx, wy, W, H, c.low, c.high].join();
    if (key !== this.key) {
      this.key = key;
      this.image = surface(problem, scale(...wx, 0, W), scale(...wy, H, 0), W, H, c);
    }
  }

  draw() {
    const c = this.clear();
    const { ctx, box, sx, sy, fig, flat } = this;
    const { problem, s } = fig;
    const d = problem.dim;
    this.axes(box, sx, sy, flat ? "x" : "x₁", flat ? "f(x)" : "x₂", flat ? c.grid : "transparent");
    if (!flat) ctx.drawImage(this.image, box.x, box.y, box.w, box.h);
    this.clip(flat ? 6 : 0);
    const Y = (p) => sy(flat ? problem.f(p, 1) : p[1]);
    if (flat) {
      const px = (i) => box.x + (box.w * i) / 300;
      this.ink(c.soft, 2);
      this.path(0, 300, px, (i) => Y([sx.invert(px(i))]));
    }
    for (const p of problem.minima) {
      const [x, y] = [sx(p[0]), Y(p)];
      this.ink(c.text, 1.5);
      this.line(x - 4, y - 4, x + 4, y + 4);
      this.line(x - 4, y + 4, x + 4, y - 4);
    }
    this.start = [sx(s.start[0]), Y(s.start)];
    const ends = [];
    for (const run of fig.runs) {
      const { x, last } = run.result;
      const t = Math.min(s.t, last);
      const px = (k) => sx(x[k * d]);
      const py = (k) => (flat ? Y([x[k]]) : sy(x[k * d + 1]));
      this.ink(run.colour, flat ? 1.25 : 2);
      this.path(0, t, px, py);
      if (t <= 80 || flat) for (let k = Math.max(0, t - 200); k < t; k++) this.dot(px(k), py(k), 2.5, run.colour);
      if (flat && run === fig.runs[0]) this.slope(x[t], t < last ? x[t + 1] : NaN, run);
      if (this.spec.overlay === "lookahead") this.lookahead(run, t);
      this.dot(px(t), py(t), 5, run.colour, c.paper);
      ends.push([px(t), py(t), run]);
    }
    this.dot(...this.start, 6.5, "", c.text);
    if (ends.length > 1) this.names(ends);
    ctx.restore();
    if (flat) return;
    this.ink(c.grid);
    ctx.strokeRect(box.x, box.y, box.w, box.h);
  }

  /** The runs' names beside their ends, moved apart, so that colour alone need not tell. */
  names(ends) {
    const { ctx, box } = this;
    let below = -Infinity;
    for (const [x, y, run] of ends.sort((a, b) => a[1] - b[1])) {
      if (!(x > box.x && x < box.x + box.w && y > box.y && y < box.y + box.h)) continue;
      const left = x > box.x + box.w * 0.6;
      const at = [run.short, x + (left ? -10 : 10), (below = Math.max(y, below + 14))];
      ctx.textAlign = left ? "right" : "left";
      ctx.textBaseline = "middle";
      this.ink(this.c.paper, 3);
      ctx.strokeText(...at);
      this.text(...at, { align: ctx.textAlign, colour: run.colour });
    }
  }

  /** The tangent where the run stands, and the step that it takes next, along the axis. */
  slope(x, next, run) {
    const { sx, sy, box, c } = this;
    const { problem } = this.fig;
    const [g] = problem.grad([x], [0], 1);
    const f = problem.f([x], 1);
    const half = (sx.hi - sx.lo) * 0.13;
    this.ink(c.text, 1.5);
    this.line(sx(x - half), sy(f - g * half), sx(x + half), sy(f + g * half));
    if (next !== next) return;
    const base = box.y + box.h - 6;
    this.ink(c.text, 1, [3, 3]);
    this.line(sx(x), sy(f), sx(x), base);
    this.line(sx(next), sy(problem.f([next], 1)), sx(next), base);
    this.arrow(sx(x), base, sx(next), base, run.colour);
  }

  /** Momentum's coasting, then the gradient's share; a diamond where the gradient was taken. */
  lookahead(run, t) {
    const { ctx, sx, sy, fig, c } = this;
    const parts = PARTS[run.rule.name];
    if (!parts || t >= run.result.last) return;
    const at = (k) => simulate(fig.problem, run.rule, run.hyper, fig.setup(run, { steps: k })).end;
    const point = (name, e) => {
      const [x, y] = e.x.map((v, i) => parts[name](v, e.state[parts.state][i], run.hyper));
      return [sx(x), sy(y)];
    };
    const now = at(t);
    const coast = point("coast", now);
    const pale = `rgb(${mix(rgbOf(run.colour), rgbOf(c.paper), 0.4)})`;
    this.arrow(...point("base", now), ...coast, pale);
    this.arrow(...coast, ...point("base", at(t + 1)), c.text);
    ctx.save();
    ctx.translate(sx(now.x[0]), sy(now.x[1]));
    ctx.rotate(Math.PI / 4);
    ctx.fillStyle = c.text;
    ctx.fillRect(-6, -6, 12, 12);
    ctx.restore();
  }
}

const rgbOf = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));

/** One or several quantities of every run against the step. */
class Chart extends View {
  constructor(fig, spec) {
    const names = spec.y.map((n) => quantity(n).label).join(" and ");
    super(fig, spec, `${names} against the step, one line for each optimizer`);
    this.title = spec.title ?? names;
  }

  update() {
    const { fig, spec, box } = this;
    this.qs = spec.y.map(quantity);
    const signed = spec.y[0] === "loss" && fig.problem.minimum === undefined;
    const log = spec.log ?? (this.qs[0].log && !signed) ?? false;
    let lo = Infinity, hi = -Infinity;
    for (const { result } of fig.runs) {
      for (const q of this.qs) {
        const stride = Math.max(1, Math.floor(result.last / 2000));
        // Of a run that diverges, a linear scale shows the beginning.
        const end = !log && result.diverged ? Math.min(result.last, 12) : result.last;
        for (let t = q.from; t <= end; t += stride) {
          const v = q.at(result, t, fig.problem);
          if (!Number.isFinite(v) || (log && (v < 1e-18 || v > 1e12))) continue;
          lo = Math.min(lo, v);
          hi = Math.max(hi, v);
        }
      }
    }
    if (!(lo <= hi)) [lo, hi] = log ? [1e-3, 1] : [-1, 1];
    const pad = 0.06 * (hi - lo || Math.abs(hi) || 1);
    if (log) [lo, hi] = [lo / 1.6, hi * 1.6];
    else [lo, hi] = [lo - pad, hi + pad];
    this.sx = scale(0, fig.s.steps, box.x, box.x + box.w);
    this.sy = scale(lo, hi, box.y + box.h, box.y, log);
  }

  draw() {
    const c = this.clear();
    const { ctx, box, sx, sy, fig, qs } = this;
    this.axes(box, sx, sy, "step", this.title);
    this.clip(5);
    const floor = sy.log ? sy.lo : -Infinity;
    for (const { result, colour, dash } of fig.runs) {
      qs.forEach((q, k) => {
        const py = (t) => sy(Math.max(floor, q.at(result, t, fig.problem)));
        const t = Math.min(fig.s.t, result.last);
        this.ink(colour, k ? 1.25 : 2, k ? DASHES[k] : dash);
        ctx.globalAlpha = 0.32;
        this.path(Math.max(q.from, t), result.last, sx, py);
        ctx.globalAlpha = 1;
        this.path(q.from, t, sx, py);
        if (t >= q.from && !k) this.dot(sx(t), py(t), 4, colour, c.paper);
      });
    }
    ctx.restore();
    if (qs.length < 2) return;
    qs.forEach((q, k) => {
      const y = box.y + 12 + 16 * k;
      const x = box.x + box.w - 118;
      this.ink(c.text, 1.5, DASHES[k]);
      this.line(x - 26, y, x - 6, y);
      this.text(q.label, x, y);
    });
  }
}

/** Eigenvalues of the linear iteration on the problem's curvatures, in the complex plane. */
class Eigen extends View {
  constructor(fig, spec) {
    super(fig, spec, "Eigenvalues of the iteration matrix in the complex plane, with the unit circle");
  }

  draw() {
    const { ctx, fig, spec } = this;
    const { x, y, w, h } = this.box;
    const able = fig.runs.filter((r) => EIGEN[r.rule.name]);
    if (!fig.problem.curvatures || !able.length) return this.note("Eigenvalues: for linear methods on a quadratic.");
    const c = this.clear();
    const k = Math.min(w, h) / 2.5;
    const sx = (v) => x + w / 2 + k * v;
    const sy = (v) => y + h / 2 - k * v;
    this.ink(c.grid);
    this.line(x, sy(0), x + w, sy(0));
    this.line(sx(0), y, sx(0), y + h);
    this.dot(sx(0), sy(0), k, "", c.soft);
    this.text("1", sx(1) + 5, sy(0) - 9, { colour: c.soft });
    this.text("i", sx(0) + 5, sy(1) - 9, { colour: c.soft });
    this.text("eigenvalues: ● smallest, ■ largest curvature", 2, y - 14);
    this.clip(0);
    const radii = able.map((run) => {
      let radius = 0;
      fig.problem.curvatures.forEach((lam, j) => {
        const both = (e, mark) => [0, 2].forEach((i) => mark(sx(e[i]), sy(e[i + 1]), Math.hypot(e[i], e[i + 1])));
        ctx.fillStyle = run.colour;
        ctx.globalAlpha = 0.28;
        for (let i = 0; spec.locus in run.hyper && i <= 240; i++) {
          both(EIGEN[run.rule.name](lam, { ...run.hyper, [spec.locus]: i / 240 }), (p, q) => ctx.fillRect(p - 0.75, q - 0.75, 1.5, 1.5));
        }
        ctx.globalAlpha = 1;
        both(EIGEN[run.rule.name](lam, run.hyper), (p, q, size) => {
          radius = Math.max(radius, size);
          if (!j) return this.dot(p, q, 5.5, run.colour, c.paper);
          ctx.fillStyle = run.colour;
          ctx.fillRect(p - 5, q - 5, 10, 10);
        });
      });
      return radius;
    });
    ctx.restore();
    radii.forEach((radius, i) => {
      this.dot(x + 5, y + h + 12 + 16 * i, 4, able[i].colour);
      this.text(`spectral radius ${fmt(radius, 4)}`, x + 14, y + h + 12 + 16 * i);
    });
  }
}

/** Final loss over two hypers of the first run; the run under the pointer is the one shown. */
class Heat extends View {
  constructor(fig, spec) {
    super(fig, spec);
    const aim = (u, v) => {
      if (!this.able) return;
      const value = (name, p) => tidy(this.range(name), toValue(this.range(name), p));
      fig.set({ hyper: { [spec.x]: value(spec.x, u), [spec.y]: value(spec.y, v) }, only: fig.runs[0] });
    };
    this.pointer((px, py) => {
      const { x, y, w, h } = this.box;
      aim((px - x) / w, 1 - (py - y) / h);
    }, { hover: true });
    this.keys((dx, dy) => aim(this.u(spec.x) + dx / 50, this.u(spec.y) + dy / 50));
  }

  /** Whether the first run has both hypers. */
  get able() {
    return [this.spec.x, this.spec.y].every((k) => k in this.fig.runs[0].hyper);
  }

  range(name) {
    const own = this.fig.runs[0].rule.hypers.find((h) => h.name === name);
    return { ...own, ...this.spec.ranges[name] };
  }

  u(name, v = this.fig.runs[0].hyper[name]) {
    return toPosition(this.range(name), v);
  }

  update() {
    const { fig, spec } = this;
    const { x, y } = spec;
    const run = fig.runs[0];
    if (!this.able) return;
    this.describe(`Loss after ${fig.s.steps} steps of ${run.rule.title} over ${x} and ${y}. ` +
      "Arrow keys move the run that is shown.");
    const key = JSON.stringify([{ ...run.hyper, [x]: 0, [y]: 0 }, run.rule.name, fig.problem.name, fig.setup(run, {})]);
    if (key === this.key) return;
    this.key = key;
    this.size = [56, 44];
    const along = (name, n) => Array.from({ length: n }, (_, i) => toValue(this.range(name), (i + 0.5) / n));
    this.job = grid(fig.problem, run.rule, run.hyper, fig.setup(run, {}), x, along(x, 56), y, along(y, 44));
    this.values = null;
    cancelAnimationFrame(this.frame);
    this.work();
  }

  /** Rows of the map until the frame's time is spent; the rest in the next frame. */
  work() {
    const until = performance.now() + 10;
    let step;
    do step = this.job.next(); while (!step.done && performance.now() < until);
    if (!step.done) return (this.frame = requestAnimationFrame(() => this.work()));
    this.values = step.value;
    this.inked = null;
    this.draw();
  }

  colour(u) {
    const stops = this.c.heat;
    const k = Math.min(stops.length - 1.001, Math.max(0, u) * (stops.length - 1));
    return mix(stops[k | 0], stops[(k | 0) + 1], k % 1);
  }

  paint() {
    const [nx, ny] = this.size;
    const { result } = this.fig.runs[0];
    const good = this.values.filter((v) => v > 0 && v < Infinity).sort((a, b) => a - b);
    this.hi = Math.max(1e-12, result.f[0] - (this.fig.problem.minimum ?? 0));
    this.lo = Math.max(good[Math.floor(good.length * 0.02)] ?? 0, this.hi * 1e-12);
    this.image = document.createElement("canvas");
    this.image.width = nx;
    this.image.height = ny;
    const ctx = this.image.getContext("2d");
    const img = ctx.createImageData(nx, ny);
    this.values.forEach((v, k) => {
      const u = Math.log(Math.max(v, this.lo) / this.lo) / Math.log(this.hi / this.lo);
      img.data.set([...(u <= 1 ? this.colour(u) : this.c.bad), 255], 4 * ((ny - 1 - ((k / nx) | 0)) * nx + (k % nx)));
    });
    ctx.putImageData(img, 0, 0);
    this.inked = this.c;
  }

  draw() {
    const { ctx, spec, fig } = this;
    if (!this.able) return this.note(`The map needs ${spec.x} and ${spec.y} in the first optimizer.`);
    const c = this.clear();
    const { x, y, w, h } = this.box;
    const px = (v) => x + w * this.u(spec.x, v);
    const py = (v) => y + h * (1 - this.u(spec.y, v));
    for (const name of [spec.x, spec.y]) {
      const { lo, hi, scale: kind, symbol } = this.range(name);
      const marks = kind === "log" ? logTicks(lo, hi, 5)
        : kind === "complement" ? [0, 0.9, 0.99, 0.999].filter((v) => v >= lo && v <= hi)
        : [lo, (lo + hi) / 2, hi];
      const flat = name === spec.x;
      for (const v of marks) {
        if (flat) this.text(fmt(v), px(v), y + h + 12, { align: "center", colour: c.soft });
        else this.text(fmt(v), x - 6, py(v), { align: "right", colour: c.soft });
      }
      if (flat) this.text(symbol, x + w, y + h + 28, { align: "right" });
      else this.text(symbol, 26, y - 14);
    }
    this.text(`loss after ${fig.s.steps} steps; grey: above the start`, x, y - 14, { colour: c.soft });
    if (!this.values) return;
    if (this.inked !== c) this.paint();
    ctx.imageSmoothingEnabled = false;
    ctx.drawImage(this.image, x, y, w, h);
    const at = [px(fig.runs[0].hyper[spec.x]), py(fig.runs[0].hyper[spec.y])];
    this.dot(...at, 7, "", "#fff");
    this.dot(...at, 5.5, "", "#000");
    for (let k = 0; k < 45; k++) {
      ctx.fillStyle = `rgb(${this.colour(k / 45)})`;
      ctx.fillRect(x + 2 * k, y + h + 25, 2, 7);
    }
    this.text(`${fmt(this.lo, 1)} to ${fmt(this.hi, 2)}`, x + 96, y + h + 28, { colour: c.soft });
  }
}

/** The noise floor against the batch size: measured in the runs (dots), predicted (line). */
class Floor extends View {
  constructor(fig, spec) {
    super(fig, spec, "Noise floor against the batch size: measured in runs, and the prediction");
    this.batches = Array.from({ length: 11 }, (_, k) => 2 ** k);
  }

  update() {
    const { fig, box } = this;
    const { curvatures } = fig.problem;
    if (!curvatures) return;
    this.rows = fig.runs.map((run) => ({
      run,
      measured: this.batches.map((batch) =>
        floorOf(fig.problem, simulate(fig.problem, run.rule, run.hyper, fig.setup(run, { batch })))),
      predicted: this.batches.map((batch) =>
        curvatures.reduce((s, lam, i) =>
          s + noise_floor(lam, run.hyper.lr, fig.problem.noises?.[i] ?? fig.s.noise, batch), 0)),
    }));
    const all = this.rows.flatMap((r) => [...r.measured, ...r.predicted]).filter((v) => v > 0 && v < 1e6);
    const [lo, hi] = all.length ? [Math.min(...all), Math.max(...all)] : [0.1, 1];
    this.sx = scale(0.8, 1300, box.x, box.x + box.w, true);
    this.sy = scale(lo / 2, hi * 2, box.y + box.h, box.y, true);
  }

  draw() {
    const { sx, sy, fig, batches } = this;
    if (!fig.problem.curvatures) return this.note("The noise floor is known on quadratics.");
    const c = this.clear();
    this.axes(this.box, sx, sy, "batch size B",
      `mean of ${fig.problem.dim > 1 ? "distance" : "x"}², second half of the run`);
    this.clip(4);
    for (const { run, measured, predicted } of this.rows) {
      this.ink(run.colour, 1.5);
      this.path(0, 10, (k) => sx(batches[k]), (k) => (predicted[k] > 0 ? sy(predicted[k]) : NaN));
      batches.forEach((b, k) => {
        const on = b === fig.s.batch;
        if (measured[k] < Infinity) this.dot(sx(b), sy(measured[k]), on ? 6 : 4, run.colour, on ? c.text : c.paper);
      });
    }
    this.ctx.restore();
  }
}

/** How fast the printed rules run in this browser, against the number of parameters. */
class Speed extends View {
  constructor(fig, spec) {
    super(fig, spec, "Bytes moved per second by each rule against the number of parameters");
    this.sizes = Array.from({ length: 9 }, (_, k) => 4 ** (k + 3));
    this.rows = new Map();
    this.button = document.createElement("button");
    this.button.type = "button";
    this.button.className = "of-text";
    this.button.textContent = "Measure in this browser";
    this.button.addEventListener("click", () => this.start());
    this.el.append(this.button);
  }

  async start() {
    this.button.disabled = true;
    this.rows.clear();
    for (const n of this.sizes) {
      for (const run of this.fig.runs) {
        const row = this.rows.get(run.rule.name) ?? [];
        this.rows.set(run.rule.name, row);
        row.push(this.measure(run, n));
        this.update();
        this.draw();
        await new Promise(requestAnimationFrame);
      }
    }
    this.button.disabled = false;
  }

  /** Gigabytes a second of one rule on n doubles: the best of three, 8 ms or more each. */
  measure({ rule, hyper }, n) {
    const x = new Float64Array(n).fill(1);
    const g = new Float64Array(n).fill(1e-3);
    const state = rule.init(n, hyper, x);
    let best = Infinity;
    for (let k = 0, t = 1; k < 3; k++) {
      const from = performance.now();
      const first = t;
      let time;
      do {
        rule.step(x, g, state, t++, hyper);
        time = performance.now() - from;
      } while (time < 8);
      best = Math.min(best, time / (t - first));
    }
    return (rule.traffic * 8 * n) / best / 1e6;
  }

  update() {
    const { x, y, w, h } = this.box;
    const top = Math.max(1, ...[...this.rows.values()].flat());
    this.sx = scale(this.sizes[0], this.sizes[8], x, x + w, true);
    this.sy = scale(0, 1.15 * top, y + h, y);
  }

  draw() {
    const c = this.clear();
    const { sx, sy, sizes } = this;
    this.axes(this.box, sx, sy, "parameters", "gigabytes moved a second");
    for (const { rule, colour, dash } of this.fig.runs) {
      const row = this.rows.get(rule.name) ?? [];
      this.ink(colour, 2, dash);
      this.path(0, row.length - 1, (k) => sx(sizes[k]), (k) => sy(row[k]));
      row.forEach((v, k) => this.dot(sx(sizes[k]), sy(v), 3.5, colour, c.paper));
    }
  }
}

export const VIEWS = { plane: Plane, chart: Chart, eigen: Eigen, heat: Heat, floor: Floor, speed: Speed };
