// The panes of a figure. A view draws what the figure holds (`fig.runs`, `fig.problem`, `fig.s`)
// at the step `fig.s.t`; it calls `fig.set(...)` when the reader moves something in it.
import { arrow, axes, dot, fmt, logTicks, mix, scale, stroke, surface } from "./draw.js";
import { floorOf, grid, quantity, simulate, tidy, toPosition, toValue } from "./engine.js";

const DASHES = [[], [6, 4], [2, 3], [9, 3, 2, 3]];

class View {
  constructor(fig, spec, label) {
    this.fig = fig;
    this.spec = spec;
    this.el = document.createElement("div");
    this.el.className = "of-view of-" + spec.type;
    this.canvas = document.createElement("canvas");
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", label);
    this.el.append(this.canvas);
    this.ctx = this.canvas.getContext("2d");
  }

  resize(w, h) {
    const r = (this.ratio = Math.min(3, window.devicePixelRatio || 1));
    this.w = w;
    this.h = h;
    this.canvas.width = Math.round(w * r);
    this.canvas.height = Math.round(h * r);
    this.canvas.style.width = w + "px";
    this.canvas.style.height = h + "px";
    this.box = { x: 46, y: 26, w: w - 56, h: h - 66 };
    this.update();
  }

  update() {}

  clear() {
    this.ctx.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    this.ctx.clearRect(0, 0, this.w, this.h);
    return this.fig.colours;
  }

  /** Says why there is nothing to draw. */
  note(text) {
    const c = this.clear();
    this.ctx.fillStyle = c.soft;
    this.ctx.font = c.font;
    this.ctx.textAlign = "center";
    this.ctx.fillText(text, this.w / 2, this.h / 2);
  }

  clip(pad = 0) {
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
      const r = c.getBoundingClientRect();
      const p = e.touches[0];
      if (grab(p.clientX - r.left, p.clientY - r.top)) e.preventDefault();
    }, { passive: false });
  }

  keys(act) {
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "application");
    this.canvas.addEventListener("keydown", (e) => {
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[e.key];
      if (!way || e.ctrlKey || e.metaKey || e.altKey) return;
      e.preventDefault();
      act(way[0] * (e.shiftKey ? 10 : 1), way[1] * (e.shiftKey ? 10 : 1));
    });
  }
}

/** The problem itself: contours and paths in two dimensions, the curve and its slope in one. */
class Plane extends View {
  constructor(fig, spec) {
    super(fig, spec, "");
    this.pointer((px, py) => this.place(px, py), {
      grab: (px, py) => Math.hypot(px - this.start[0], py - this.start[1]) < 32,
    });
    this.keys((dx, dy) => {
      const { s } = fig;
      const [wx, wy] = this.window;
      const start = [s.start[0] + (dx * (wx[1] - wx[0])) / 100];
      if (s.start.length > 1) start.push(s.start[1] + (dy * (wy[1] - wy[0])) / 100);
      fig.set({ start: start.map((v) => Number(v.toPrecision(4))) });
    });
  }

  place(px, py) {
    const round = (s, p) => Number(s.invert(p).toPrecision(4));
    const { x, y, w, h } = this.box;
    const start = [round(this.sx, Math.max(x, Math.min(x + w, px)))];
    if (this.fig.problem.dim > 1) start.push(round(this.sy, Math.max(y, Math.min(y + h, py))));
    this.fig.set({ start });
  }

  update() {
    const { problem } = this.fig;
    this.window = this.spec.window ?? problem.window;
    const { x, y, w, h } = this.box;
    const [wx, wy] = this.window;
    this.sx = scale(wx[0], wx[1], x, x + w);
    this.canvas.setAttribute(
      "aria-label",
      `${problem.title}: ${problem.dim > 1 ? "contours and paths" : "curve and iterates"}. ` +
        "Arrow keys move the start, with Shift ten times as far.",
    );
    if (problem.dim === 1) {
      let lo = Infinity, hi = -Infinity;
      for (let i = 0; i <= 200; i++) {
        const f = problem.f([wx[0] + ((wx[1] - wx[0]) * i) / 200], 1);
        if (f < lo) lo = f;
        if (f > hi) hi = f;
      }
      const pad = 0.08 * (hi - lo || 1);
      this.sy = scale(lo - pad, hi + pad, y + h, y);
      return;
    }
    this.sy = scale(wy[0], wy[1], y + h, y);
    const c = this.fig.colours;
    const key = [problem.name, wx, wy, this.w, this.h, this.ratio, c.low, c.high].join();
    if (key === this.key) return;
    this.key = key;
    const r = this.ratio;
    this.image = surface(
      problem,
      scale(wx[0], wx[1], 0, Math.round(w * r)),
      scale(wy[0], wy[1], Math.round(h * r), 0),
      Math.round(w * r), Math.round(h * r), c,
    );
  }

  draw() {
    const c = this.clear();
    const { ctx, box, sx, sy, fig } = this;
    const { problem, s } = fig;
    const flat = problem.dim === 1;
    if (flat) axes(ctx, box, sx, sy, c, "x", "f(x)");
    else {
      axes(ctx, box, sx, sy, { ...c, grid: "transparent" }, "", "");
      ctx.drawImage(this.image, box.x, box.y, box.w, box.h);
    }
    this.clip(flat ? 6 : 0);
    const Y = flat ? (p) => sy(problem.f(p, 1)) : (p) => sy(p[1]);
    if (flat) {
      ctx.strokeStyle = c.soft;
      ctx.lineWidth = 2;
      ctx.setLineDash([]);
      stroke(ctx, 0, 300, (i) => box.x + (box.w * i) / 300, (i) => sy(problem.f([sx.invert(box.x + (box.w * i) / 300)], 1)));
    }
    for (const p of problem.minima) {
      const [x, y] = [sx(p[0]), Y(p)];
      ctx.strokeStyle = c.text;
      ctx.lineWidth = 1.5;
      ctx.setLineDash([]);
      ctx.beginPath();
      ctx.moveTo(x - 4, y - 4);
      ctx.lineTo(x + 4, y + 4);
      ctx.moveTo(x - 4, y + 4);
      ctx.lineTo(x + 4, y - 4);
      ctx.stroke();
    }
    this.start = [sx(s.start[0]), Y(s.start)];
    const ends = [];
    for (const run of fig.runs) {
      const { x, last } = run.result;
      const t = Math.min(s.t, last);
      const d = problem.dim;
      const row = (k) => Array.from(x.subarray(k * d, k * d + d));
      const X = (k) => sx(x[k * d]);
      const YY = flat ? (k) => Y([x[k]]) : (k) => sy(x[k * d + 1]);
      ctx.strokeStyle = run.colour;
      ctx.lineWidth = flat ? 1.25 : 2;
      ctx.lineJoin = "round";
      stroke(ctx, 0, t, X, YY);
      if (t <= 80 || flat) {
        for (let k = Math.max(0, t - 200); k < t; k++) dot(ctx, X(k), YY(k), 2.5, run.colour);
      }
      if (flat && run === fig.runs[0]) this.slope(row(t), t < last ? x[t + 1] : NaN, run, c);
      if (this.spec.overlay === "lookahead") this.lookahead(run, t, c);
      dot(ctx, X(t), YY(t), 5, run.colour, c.paper);
      ends.push([X(t), YY(t), run]);
    }
    dot(ctx, ...this.start, 6.5, "transparent", c.text);
    if (ends.length > 1) this.names(ends, c);
    ctx.restore();
    if (!flat) {
      ctx.strokeStyle = c.grid;
      ctx.lineWidth = 1;
      ctx.strokeRect(box.x, box.y, box.w, box.h);
    }
  }

  /** The runs' names beside their ends, moved apart, so that colour alone need not tell. */
  names(ends, c) {
    const { ctx, box } = this;
    ctx.font = c.font;
    ctx.textBaseline = "middle";
    ctx.lineWidth = 3;
    ctx.lineJoin = "round";
    let below = -Infinity;
    for (const [x, y, run] of ends.sort((a, b) => a[1] - b[1])) {
      if (!(x > box.x && x < box.x + box.w && y > box.y && y < box.y + box.h)) continue;
      const left = x > box.x + box.w * 0.6;
      const at = Math.max(y, below + 14);
      below = at;
      ctx.textAlign = left ? "right" : "left";
      ctx.strokeStyle = c.paper;
      ctx.fillStyle = run.colour;
      ctx.strokeText(run.short, x + (left ? -10 : 10), at);
      ctx.fillText(run.short, x + (left ? -10 : 10), at);
    }
  }

  /** The tangent where the run stands, and the step that it takes next, along the axis. */
  slope(p, next, run, c) {
    const { ctx, sx, sy, box } = this;
    const g = [0];
    this.fig.problem.grad(p, g, 1);
    const f = this.fig.problem.f(p, 1);
    const half = (sx.hi - sx.lo) * 0.13;
    ctx.strokeStyle = c.text;
    ctx.lineWidth = 1.5;
    ctx.beginPath();
    ctx.moveTo(sx(p[0] - half), sy(f - g[0] * half));
    ctx.lineTo(sx(p[0] + half), sy(f + g[0] * half));
    ctx.stroke();
    if (next !== next) return;
    const base = box.y + box.h - 10;
    ctx.setLineDash([3, 3]);
    ctx.lineWidth = 1;
    ctx.beginPath();
    ctx.moveTo(sx(p[0]), sy(f));
    ctx.lineTo(sx(p[0]), base);
    ctx.stroke();
    arrow(ctx, sx(p[0]), base, sx(next), base, run.colour, 2.5);
  }

  /** Momentum's coasting, then the gradient's share; a diamond where the gradient was taken. */
  lookahead(run, t, c) {
    const { ctx, sx, sy, fig } = this;
    const parts = fig.printed.PARTS[run.rule.name];
    if (!parts || t >= run.result.last) return;
    const at = (k) => simulate(fig.problem, run.rule, run.hyper, fig.setup(run, { steps: k }), fig.printed).end;
    const point = (name, e) => e.x.map((x, i) => parts[name](x, e.state[parts.state][i], run.hyper));
    const now = at(t);
    const base = point("base", now);
    const coast = point("coast", now);
    const next = point("base", at(t + 1));
    arrow(ctx, sx(base[0]), sy(base[1]), sx(coast[0]), sy(coast[1]), mixCss(run.colour, c.paper));
    arrow(ctx, sx(coast[0]), sy(coast[1]), sx(next[0]), sy(next[1]), c.text);
    const [x, y] = [sx(now.x[0]), sy(now.x[1])];
    ctx.fillStyle = c.text;
    ctx.beginPath();
    ctx.moveTo(x, y - 8);
    ctx.lineTo(x + 8, y);
    ctx.lineTo(x, y + 8);
    ctx.lineTo(x - 8, y);
    ctx.fill();
  }
}

const mixCss = (hex, other) => {
  const p = (s) => [1, 3, 5].map((i) => parseInt(s.slice(i, i + 2), 16));
  return `rgb(${mix(p(hex), p(other), 0.4).map(Math.round)})`;
};

/** One or several quantities of every run against the step. */
class Chart extends View {
  constructor(fig, spec) {
    const names = spec.y.map((n) => spec.label ?? quantity(n).label).join(" and ");
    super(fig, spec, `${names} against the step, one line for each optimizer`);
    this.title = spec.title ?? names;
  }

  update() {
    const { fig, spec, box } = this;
    this.qs = spec.y.map((n) => [n, quantity(n)]);
    const open = this.qs[0][0] === "loss" && fig.problem.minimum === undefined;
    const log = spec.log ?? (this.qs[0][1].log && !open) ?? false;
    let lo = Infinity, hi = -Infinity;
    for (const { result } of fig.runs) {
      for (const [, q] of this.qs) {
        const stride = Math.max(1, Math.floor(result.last / 2000));
        let seen = 0;
        for (let t = q.from; t <= result.last; t += stride) {
          const v = q.at(result, t, fig.problem);
          if (!Number.isFinite(v) || (log && v <= 0)) continue;
          if (log && (v < 1e-18 || v > 1e12)) continue;
          if (!log && result.diverged && seen++ > 12) break;
          if (v < lo) lo = v;
          if (v > hi) hi = v;
        }
      }
    }
    if (!(lo <= hi)) [lo, hi] = log ? [1e-3, 1] : [-1, 1];
    if (spec.range) [lo, hi] = spec.range;
    if (log) {
      if (hi / lo < 10) [lo, hi] = [lo / 2, hi * 2];
      else [lo, hi] = [lo / 1.6, hi * 1.6];
    } else if (!spec.range) {
      const pad = 0.06 * (hi - lo || Math.abs(hi) || 1);
      [lo, hi] = [lo - pad, hi + pad];
    }
    this.sx = scale(0, fig.s.steps, box.x, box.x + box.w);
    this.sy = scale(lo, hi, box.y + box.h, box.y, log);
  }

  draw() {
    const c = this.clear();
    const { ctx, box, sx, sy, fig } = this;
    axes(ctx, box, sx, sy, c, "step", this.title);
    this.clip(1);
    const floor = sy.log ? sy.lo : -Infinity;
    ctx.lineJoin = "round";
    fig.runs.forEach((run) => {
      this.qs.forEach(([, q], k) => {
        ctx.strokeStyle = run.colour;
        ctx.lineWidth = k ? 1.25 : 2;
        ctx.setLineDash(k ? DASHES[k] : run.dash);
        const py = (t) => sy(Math.max(floor, q.at(run.result, t, fig.problem)));
        ctx.globalAlpha = 0.22;
        if (fig.s.t < run.result.last) stroke(ctx, Math.max(q.from, fig.s.t), run.result.last, sx, py);
        ctx.globalAlpha = 1;
        const t = Math.min(fig.s.t, run.result.last);
        stroke(ctx, q.from, t, sx, py);
        if (t >= q.from && !k) dot(ctx, sx(t), py(t), 4, run.colour, c.paper);
      });
    });
    ctx.setLineDash([]);
    ctx.restore();
    if (this.qs.length > 1) {
      ctx.textAlign = "left";
      ctx.textBaseline = "middle";
      this.qs.forEach(([, q], k) => {
        const y = box.y + 12 + 16 * k;
        const x = box.x + box.w - 118;
        ctx.strokeStyle = ctx.fillStyle = c.text;
        ctx.setLineDash(DASHES[k]);
        ctx.lineWidth = 1.5;
        ctx.beginPath();
        ctx.moveTo(x - 26, y);
        ctx.lineTo(x - 6, y);
        ctx.stroke();
        ctx.setLineDash([]);
        ctx.fillText(q.label, x, y);
      });
    }
  }
}

/** Eigenvalues of the linear iteration on the problem's curvatures, in the complex plane. */
class Eigen extends View {
  constructor(fig, spec) {
    super(fig, spec, "Eigenvalues of the iteration matrix in the complex plane, with the unit circle");
  }

  update() {
    const { x, y, w, h } = this.box;
    const k = Math.min(w, h) / 2.6;
    const cx = x + w / 2;
    const cy = y + h / 2;
    this.sx = scale(-1, 1, cx - k, cx + k);
    this.sy = scale(-1, 1, cy + k, cy - k);
  }

  draw() {
    const { ctx, sx, sy, fig } = this;
    if (!fig.problem.curvatures || !fig.runs.some((r) => r.rule.name in fig.printed.EIGEN)) {
      return this.note("Eigenvalues: for linear methods on a quadratic.");
    }
    const c = this.clear();
    const { x, y, w, h } = this.box;
    ctx.font = c.font;
    ctx.strokeStyle = c.grid;
    ctx.lineWidth = 1;
    ctx.beginPath();
    ctx.moveTo(x, sy(0));
    ctx.lineTo(x + w, sy(0));
    ctx.moveTo(sx(0), y);
    ctx.lineTo(sx(0), y + h);
    ctx.stroke();
    ctx.strokeStyle = c.soft;
    ctx.beginPath();
    ctx.arc(sx(0), sy(0), sx(1) - sx(0), 0, 7);
    ctx.stroke();
    ctx.fillStyle = c.soft;
    ctx.textAlign = "left";
    ctx.textBaseline = "bottom";
    ctx.fillText("1", sx(1) + 4, sy(0) - 3);
    ctx.fillText("i", sx(0) + 4, sy(1) - 3);
    ctx.fillStyle = c.text;
    ctx.fillText("eigenvalues of one step", 2, y - 7);
    this.clip();
    const lines = [];
    fig.runs.forEach((run) => {
      const eig = fig.printed.EIGEN[run.rule.name];
      if (!eig) return;
      let radius = 0;
      fig.problem.curvatures.forEach((lam, j) => {
        ctx.fillStyle = run.colour;
        ctx.globalAlpha = 0.28;
        if (this.spec.locus && this.spec.locus in run.hyper) {
          for (let i = 0; i <= 240; i++) {
            const [a, b, p, q] = eig(lam, { ...run.hyper, [this.spec.locus]: i / 240 });
            ctx.fillRect(sx(a) - 0.75, sy(b) - 0.75, 1.5, 1.5);
            ctx.fillRect(sx(p) - 0.75, sy(q) - 0.75, 1.5, 1.5);
          }
        }
        ctx.globalAlpha = 1;
        const e = eig(lam, run.hyper);
        for (const k of [0, 2]) {
          radius = Math.max(radius, Math.hypot(e[k], e[k + 1]));
          if (j) {
            ctx.fillRect(sx(e[k]) - 5, sy(e[k + 1]) - 5, 10, 10);
          } else dot(ctx, sx(e[k]), sy(e[k + 1]), 5.5, run.colour, c.paper);
        }
      });
      lines.push([run, radius]);
    });
    ctx.restore();
    ctx.textAlign = "left";
    ctx.textBaseline = "top";
    lines.forEach(([run, radius], i) => {
      ctx.fillStyle = c.text;
      ctx.fillText(`spectral radius ${fmt(radius, 4)}`, x + 14, y + h + 8 + 16 * i);
      dot(ctx, x + 5, y + h + 14 + 16 * i, 4, run.colour);
    });
    ctx.fillStyle = c.soft;
    ctx.textAlign = "right";
    ctx.fillText("● smallest, ■ largest curvature", x + w, y - 18);
  }
}

/** Final loss over two hypers of the first run; the run under the pointer is the one shown. */
class Heat extends View {
  constructor(fig, spec) {
    super(fig, spec, "");
    const aim = (u, v) => {
      if (!this.able) return;
      const values = {};
      for (const [name, p] of [[spec.x, u], [spec.y, v]]) {
        const range = this.range(name);
        values[name] = tidy(range, toValue(range, Math.min(1, Math.max(0, p))));
      }
      fig.set({ hyper: values });
    };
    const b = () => this.box;
    this.pointer((px, py) => aim((px - b().x) / b().w, 1 - (py - b().y) / b().h), { hover: true });
    this.keys((dx, dy) => aim(this.u(spec.x) + dx / 60, this.u(spec.y) + dy / 60));
  }

  /** Whether the first run has both hypers. */
  get able() {
    return [this.spec.x, this.spec.y].every((k) => k in this.fig.runs[0].hyper);
  }

  range(name) {
    const own = this.fig.runs[0].rule.hypers.find((h) => h.name === name);
    return { ...own, ...(this.spec.ranges?.[name] ?? {}) };
  }

  u(name) {
    return toPosition(this.range(name), this.fig.runs[0].hyper[name]);
  }

  update() {
    const { fig, spec, box } = this;
    const { x, y } = spec;
    const run = fig.runs[0];
    if (!this.able) return;
    this.canvas.setAttribute("aria-label",
      `Loss after ${fig.s.steps} steps of ${run.rule.title} over ${x} and ${y}. ` +
      "Arrow keys move the run that is shown.");
    const fixed = { ...run.hyper, [x]: 0, [y]: 0 };
    const key = JSON.stringify([fixed, run.rule.name, fig.problem.name, fig.s.start, fig.s.steps,
      fig.s.noise, fig.s.batch, fig.s.seed]);
    if (key !== this.key) {
      this.key = key;
      const nx = 56;
      const ny = 44;
      const along = (name, n) => Array.from({ length: n }, (_, i) => toValue(this.range(name), (i + 0.5) / n));
      this.nx = nx;
      this.ny = ny;
      this.job = grid(fig.problem, run.rule, run.hyper, fig.setup(run, {}), fig.printed,
        along(x, nx), along(y, ny), (a, b) => [{ [x]: a, [y]: b }, {}]);
      this.values = null;
      cancelAnimationFrame(this.raf);
      this.work();
    }
    this.sx = (v) => box.x + box.w * toPosition(this.range(x), v);
    this.sy = (v) => box.y + box.h * (1 - toPosition(this.range(y), v));
  }

  /** Rows of the map until the frame's time is spent; the rest in the next frame. */
  work() {
    const until = performance.now() + 10;
    let step;
    do step = this.job.next(); while (!step.done && performance.now() < until);
    if (step.done) {
      this.values = step.value;
      this.paint();
      this.el.dataset.ready = this.key;
      this.draw();
    } else this.raf = requestAnimationFrame(() => this.work());
  }

  paint() {
    const { nx, ny, values } = this;
    this.image = document.createElement("canvas");
    this.image.width = nx;
    this.image.height = ny;
    const ctx = this.image.getContext("2d");
    const img = ctx.createImageData(nx, ny);
    const fin = Array.from(values).filter((v) => Number.isFinite(v) && v > 0).sort((a, b) => a - b);
    const start = Math.max(1e-300, this.fig.runs[0].result.f[0] - (this.fig.problem.minimum ?? 0));
    this.lo = Math.max(fin[Math.floor(fin.length * 0.02)] ?? 1e-3, start * 1e-12);
    this.hi = start;
    const c = this.fig.colours;
    for (let j = 0; j < ny; j++) {
      for (let i = 0; i < nx; i++) {
        const v = values[j * nx + i];
        const u = Math.log(Math.max(v, this.lo) / this.lo) / Math.log(this.hi / this.lo);
        const col = u > 1 || u !== u ? c.bad : mix(c.best, c.high, Math.sqrt(Math.min(1, u)));
        const o = 4 * ((ny - 1 - j) * nx + i);
        img.data.set([...col, 255], o);
      }
    }
    ctx.putImageData(img, 0, 0);
  }

  draw() {
    const { ctx, spec, fig } = this;
    if (!this.able) return this.note(`The map is over ${spec.x} and ${spec.y}; the first optimizer lacks one.`);
    const c = this.clear();
    const { x, y, w, h } = this.box;
    ctx.font = c.font;
    if (this.values) {
      if (this.inked !== c) this.paint();
      this.inked = c;
      ctx.imageSmoothingEnabled = false;
      ctx.drawImage(this.image, x, y, w, h);
    }
    const label = (name) => fig.runs[0].rule.hypers.find((k) => k.name === name)?.symbol ?? name;
    ctx.fillStyle = c.soft;
    const mark = (name, vertical) => {
      const r = this.range(name);
      const marks = r.scale === "log" ? logTicks(r.lo, r.hi, 5)
        : r.scale === "complement" ? [0, 0.9, 0.99, 0.999].filter((v) => v >= r.lo && v <= r.hi)
        : [r.lo, (r.lo + r.hi) / 2, r.hi];
      for (const v of marks) {
        ctx.textAlign = vertical ? "right" : "center";
        ctx.textBaseline = vertical ? "middle" : "top";
        if (vertical) ctx.fillText(fmt(v), x - 6, this.sy(v));
        else ctx.fillText(fmt(v), this.sx(v), y + h + 6);
      }
    };
    mark(spec.x, false);
    mark(spec.y, true);
    ctx.fillStyle = c.text;
    ctx.textAlign = "right";
    ctx.textBaseline = "bottom";
    ctx.fillText(label(spec.x), x + w, y + h + 34);
    ctx.textAlign = "left";
    ctx.fillText(`${label(spec.y)}    colour: loss after ${fig.s.steps} steps`, 2, y - 7);
    const p = [this.sx(fig.runs[0].hyper[spec.x]), this.sy(fig.runs[0].hyper[spec.y])];
    dot(ctx, ...p, 7, "transparent", c.paper);
    dot(ctx, ...p, 5.5, "transparent", c.text);
    if (this.values) {
      const g = ctx.createLinearGradient(x, 0, x + 90, 0);
      for (let k = 0; k <= 4; k++) g.addColorStop(k / 4, `rgb(${mix(c.best, c.high, Math.sqrt(k / 4)).map(Math.round)})`);
      ctx.fillStyle = g;
      ctx.fillRect(x, y + h + 26, 90, 6);
      ctx.fillStyle = c.soft;
      ctx.textBaseline = "middle";
      ctx.fillText(`${fmt(this.lo, 1)} to ${fmt(this.hi, 2)}`, x + 96, y + h + 30);
    }
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
    const { noise } = fig.s;
    if (!curvatures) return;
    this.rows = fig.runs.map((run) => ({
      run,
      measured: this.batches.map((batch) =>
        floorOf(fig.problem, simulate(fig.problem, run.rule, run.hyper, fig.setup(run, { batch }), fig.printed))),
      predicted: this.batches.map((batch) =>
        curvatures.reduce((s, lam) => s + fig.printed.noise_floor(lam, run.hyper.lr, noise, batch), 0)),
    }));
    const all = this.rows.flatMap((r) => [...r.measured, ...r.predicted]).filter((v) => v > 0 && v < 1e6);
    const lo = all.length ? Math.min(...all) : 0.1;
    const hi = all.length ? Math.max(...all) : 1;
    this.sx = scale(0.8, 1300, box.x, box.x + box.w, true);
    this.sy = scale(lo / 2, Math.max(hi, lo * 4) * 2, box.y + box.h, box.y, true);
  }

  draw() {
    const { ctx, sx, sy, fig } = this;
    if (!fig.problem.curvatures) return this.note("The noise floor is known on quadratics.");
    const c = this.clear();
    axes(ctx, this.box, sx, sy, c, "batch size B", "mean of x², second half of the run");
    this.clip(4);
    for (const { run, measured, predicted } of this.rows) {
      ctx.strokeStyle = run.colour;
      ctx.lineWidth = 1.5;
      ctx.setLineDash([]);
      stroke(ctx, 0, 10, (k) => sx(this.batches[k]), (k) => (predicted[k] > 0 ? sy(predicted[k]) : NaN));
      this.batches.forEach((b, k) => {
        const on = b === fig.s.batch;
        if (Number.isFinite(measured[k])) dot(ctx, sx(b), sy(measured[k]), on ? 6 : 4, run.colour, on ? c.text : c.paper);
      });
    }
    ctx.restore();
  }
}

/** How fast the printed rules run in this browser, against the number of parameters. */
class Speed extends View {
  constructor(fig, spec) {
    super(fig, spec, "Bytes moved per second by each rule against the number of parameters");
    this.sizes = Array.from({ length: 9 }, (_, k) => 4 ** (k + 3));
    this.button = document.createElement("button");
    this.button.type = "button";
    this.button.className = "of-text";
    this.button.textContent = "Measure in this browser";
    this.button.addEventListener("click", () => this.start());
    this.el.append(this.button);
    this.rows = new Map();
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
    const state = rule.init(n, hyper);
    let best = Infinity;
    for (let k = 0, t = 1; k < 3; k++) {
      const from = performance.now();
      const first = t;
      let now;
      do {
        rule.step(x, g, state, t++, hyper);
        now = performance.now();
      } while (now - from < 8);
      best = Math.min(best, (now - from) / (t - first));
    }
    return (rule.traffic * 8 * n) / best / 1e6;
  }

  update() {
    const all = [...this.rows.values()].flat();
    const { x, y, w, h } = this.box;
    this.sx = scale(this.sizes[0], this.sizes[8], x, x + w, true);
    this.sy = scale(0, all.length ? Math.max(...all) * 1.15 : 20, y + h, y);
  }

  draw() {
    const c = this.clear();
    const { ctx, sx, sy, fig, sizes } = this;
    axes(ctx, this.box, sx, sy, c, "parameters", "gigabytes moved a second");
    for (const run of fig.runs) {
      const row = this.rows.get(run.rule.name) ?? [];
      ctx.strokeStyle = run.colour;
      ctx.lineWidth = 2;
      ctx.setLineDash(run.dash);
      stroke(ctx, 0, row.length - 1, (k) => sx(sizes[k]), (k) => sy(row[k]));
      ctx.setLineDash([]);
      row.forEach((v, k) => dot(ctx, sx(sizes[k]), sy(v), 3.5, run.colour, c.paper));
    }
  }
}

export const VIEWS = { plane: Plane, chart: Chart, eigen: Eigen, heat: Heat, floor: Floor, speed: Speed };
