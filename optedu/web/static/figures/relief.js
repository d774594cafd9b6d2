// The problem as a surface in relief, with the paths on it: turned by dragging or with keys.
// Loaded by figures that have this view, and by no others.
import { mix } from "./draw.js";
import { View } from "./views.js";

const CELLS = 40; // a side
const DEGREE = Math.PI / 180;
const HANDLE = 26; // pixels around the start in which it is grabbed
const SNAP = 0.015; // of half a window's width, at the stable line
const FLOOR = -0.6; // of the block; its surface lies between heights of -0.5 and 0.5
const RISE = 1.1; // pixels of a height, where one of the plane has 1

export class Relief extends View {
  constructor(fig, spec) {
    super(fig, spec);
    this.el.classList.add("of-scene");
    this.turn = (spec.turn ?? -35) * DEGREE;
    this.tilt = (spec.tilt ?? 32) * DEGREE;
    this.hand();
    this.keys((dx, dy) => {
      // With Shift a step counts ten.
      if (Math.abs(dx + dy) === 1) this.spin(5 * dx, -5 * dy);
      else this.place(this.fig.s.start.map((v, i) => this.unit(v, i) + ([dx, dy][i] ?? 0) / 500));
    });
  }

  get able() {
    return this.fig.problem.dim === 2;
  }

  spin(turn, tilt) {
    this.turn += turn * DEGREE;
    this.tilt = Math.min(80, Math.max(8, this.tilt / DEGREE + tilt)) * DEGREE;
    this.draw();
  }

  /** A drag from the start moves it, any other turns the surface; a tap sets the start. */
  hand() {
    const c = this.canvas;
    const at = (e) => {
      const r = c.getBoundingClientRect();
      return [e.clientX - r.left, e.clientY - r.top];
    };
    const grabs = (p) => this.start && Math.hypot(p[0] - this.start[0], p[1] - this.start[1]) < HANDLE;
    const aim = (p) => {
      const found = this.find(...p);
      if (found) this.place(found);
    };
    let last = null, moves = false, way = 0;
    c.addEventListener("pointerdown", (e) => {
      last = at(e);
      moves = grabs(last);
      way = 0;
      c.setPointerCapture(e.pointerId);
    });
    c.addEventListener("pointermove", (e) => {
      if (!last) return;
      const p = at(e);
      const [dx, dy] = [p[0] - last[0], p[1] - last[1]];
      way += Math.abs(dx) + Math.abs(dy);
      last = p;
      if (moves) aim(p);
      else this.spin(dx / 2, dy / 2);
    });
    c.addEventListener("pointerup", () => {
      if (last && !moves && way < 5) aim(last);
      last = null;
    });
    c.addEventListener("pointercancel", () => (last = null));
    // A finger that moves up or down scrolls the page, unless it holds the start.
    c.style.touchAction = "pan-y";
    c.addEventListener("touchstart", (e) => {
      if (grabs(at(e.touches[0]))) e.preventDefault();
    }, { passive: false });
  }

  unit(v, i) {
    const [lo, hi] = this.fig.problem.window[i];
    return (2 * (v - lo)) / (hi - lo) - 1;
  }

  /** Sets the start to a point of the window, given from -1 to 1; near the stable line, onto it. */
  place(p) {
    if (!this.able) return;
    const [u, v] = p.map((q) => Math.max(-1, Math.min(1, q)));
    const value = (q, i) => {
      const [lo, hi] = this.fig.problem.window[i];
      return Number((lo + ((q + 1) / 2) * (hi - lo)).toPrecision(4));
    };
    let start = [value(u, 0), value(v, 1)];
    const { stable } = this.spec;
    if (stable) {
      const [a, b] = stable.map((e) => e.map((q, i) => this.unit(q, i)));
      const d = [b[0] - a[0], b[1] - a[1]];
      const s = ((u - a[0]) * d[0] + (v - a[1]) * d[1]) / (d[0] ** 2 + d[1] ** 2);
      if (Math.hypot(a[0] + s * d[0] - u, a[1] + s * d[1] - v) < SNAP) {
        start = stable[0].map((q, i) => q + s * (stable[1][i] - q));
      }
    }
    this.fig.set({ start });
  }

  update() {
    const { problem } = this.fig;
    this.describe(`${problem.title} in relief, with the paths on it. Arrow keys turn it, ` +
      "with Shift they move the start; a mouse or a finger can drag both.");
    if (!this.able || this.known === problem) return;
    this.known = problem;
    const [[a, b], [c, d]] = problem.window;
    const heights = [];
    for (let i = 0; i <= CELLS; i++) {
      for (let j = 0; j <= CELLS; j++) heights.push(problem.f([a + ((b - a) * i) / CELLS, c + ((d - c) * j) / CELLS], 1));
    }
    // As on the contours: a power of f that puts its median in the middle.
    const sorted = heights.filter(Number.isFinite).sort((p, q) => p - q);
    this.lo = sorted[0];
    this.span = sorted[sorted.length - 1] - this.lo || 1;
    const median = (sorted[sorted.length >> 1] - this.lo) / this.span;
    this.power = median > 0 && median < 1 ? Math.min(1, Math.log(0.5) / Math.log(median)) : 1;
    this.z = heights.map((f) => this.level(f) - 0.5);
  }

  level(f) {
    return f < Infinity ? Math.max(0, (f - this.lo) / this.span) ** this.power : 1;
  }

  /** Pixels of a point of the cube: two coordinates from -1 to 1, and a height. */
  pixel(u, v, z) {
    const { sin, cos } = this;
    return [this.cx + this.k * (u * cos - v * sin),
      this.cy - this.k * (z * Math.cos(this.tilt) * RISE + (u * sin + v * cos) * Math.sin(this.tilt))];
  }

  node(i, j) {
    return this.pixel((2 * i) / CELLS - 1, (2 * j) / CELLS - 1, this.z[i * (CELLS + 1) + j]);
  }

  /** Calls `see(i, j)` for every cell, the far ones first. */
  cells(see) {
    const order = (far) => Array.from({ length: CELLS }, (_, i) => (far ? CELLS - 1 - i : i));
    for (const i of order(this.sin > 0)) for (const j of order(this.cos > 0)) if (see(i, j)) return;
  }

  /** The point of the window that is seen at a pixel, from -1 to 1, or nothing. */
  find(px, py) {
    let found;
    this.cells((i, j) => {
      for (const [a, b, c] of [[[0, 0], [1, 0], [1, 1]], [[0, 0], [0, 1], [1, 1]]]) {
        const [p, q, r] = [a, b, c].map(([m, n]) => this.node(i + m, j + n));
        const det = (q[0] - p[0]) * (r[1] - p[1]) - (r[0] - p[0]) * (q[1] - p[1]);
        const s = ((px - p[0]) * (r[1] - p[1]) - (r[0] - p[0]) * (py - p[1])) / det;
        const t = ((q[0] - p[0]) * (py - p[1]) - (px - p[0]) * (q[1] - p[1])) / det;
        if (!(s >= 0 && t >= 0 && s + t <= 1)) continue;
        const along = (n) => (2 * ([i, j][n] + a[n] + s * (b[n] - a[n]) + t * (c[n] - a[n]))) / CELLS - 1;
        found = [along(0), along(1)]; // nearer ones come later, and hide it
      }
    });
    return found;
  }

  draw() {
    if (!this.able) return this.note("The relief is for problems with two coordinates.");
    const c = this.clear();
    const { ctx, fig } = this;
    const { problem, s } = fig;
    this.sin = Math.sin(this.turn);
    this.cos = Math.cos(this.turn);
    this.cx = this.w / 2;
    const [flat, steep] = [Math.SQRT2 * Math.sin(this.tilt), RISE * Math.cos(this.tilt)];
    this.k = Math.min(this.w / 3, (this.h - 46) / (2 * flat + (0.5 - FLOOR) * steep));
    this.cy = 24 + this.k * (flat + 0.5 * steep);
    const [near, side] = [this.cos > 0 ? -1 : 1, this.sin > 0 ? -1 : 1];
    const bits = new Map(); // pieces of lines, by the cell after which they are drawn
    const lines = [];
    const inside = (q) => Math.abs(q) <= 1;
    /** Keeps a line over the surface in pieces no longer than half a cell. */
    const lay = (count, at, colour, width, dash) => {
      const line = [];
      let old = null;
      for (let k = 0; k < count; k++) {
        const now = [0, 1].map((i) => this.unit(at(k, i), i));
        const n = old ? Math.min(400, Math.ceil((Math.abs(now[0] - old[0]) + Math.abs(now[1] - old[1])) * CELLS)) : 1;
        for (let m = old ? 1 : n; m <= n; m++) {
          const [u, v] = old ? old.map((q, i) => q + ((now[i] - q) * m) / n) : now;
          if (!inside(u) || !inside(v)) {
            line.push(null);
            continue;
          }
          const p = problem.window.map(([lo, hi], i) => lo + (([u, v][i] + 1) / 2) * (hi - lo));
          const seen = this.pixel(u, v, this.level(problem.f(p, 1)) - 0.5);
          const before = line[line.length - 1];
          line.push(seen);
          if (!before || (dash.length && line.length % 6 > 3)) continue;
          // After its cell's nearer neighbours, which would cut into its width.
          const cell = [u, v].map((q, i) => {
            const j = Math.min(CELLS - 1, Math.floor(((q + 1) / 2) * CELLS)) + [side, near][i];
            return Math.max(0, Math.min(CELLS - 1, j));
          });
          const key = cell[0] * CELLS + cell[1];
          if (!bits.has(key)) bits.set(key, []);
          bits.get(key).push([before, seen, colour, width]);
        }
        old = now;
      }
      lines.push([line, colour, width, dash]);
      return line;
    };
    const { stable } = this.spec;
    if (stable) lay(2, (k, i) => stable[k][i], c.text, 1.25, [4, 4]);
    const ends = fig.runs.map((run) => {
      const { x, last } = run.result;
      const t = Math.min(s.t, last);
      const stride = Math.floor(t / 1500) | 1;
      const count = Math.ceil(t / stride) + 1;
      const line = lay(count, (k, i) => x[Math.min(t, k * stride) * 2 + i], run.colour, 2.5, []);
      return [line[line.length - 1], run];
    });

    this.walls(near, side);
    this.cells((i, j) => {
      const corner = [this.node(i, j), this.node(i + 1, j), this.node(i + 1, j + 1), this.node(i, j + 1)];
      const z = (m, n) => this.z[(i + m) * (CELLS + 1) + j + n];
      const [du, dv] = [z(1, 0) + z(1, 1) - z(0, 0) - z(0, 1), z(0, 1) + z(1, 1) - z(0, 0) - z(1, 0)].map((q) => (q * CELLS) / 4);
      const light = (1 - 0.5 * du + 0.35 * dv) / Math.sqrt(1 + du * du + dv * dv);
      const band = Math.min(1, Math.max(0, (Math.round((z(0, 0) + z(1, 1) + 1) * 7) / 14)));
      const shade = 0.84 + 0.16 * Math.max(0, Math.min(1.3, light));
      this.ink(`rgb(${mix(c.low, c.high, band).map((q) => Math.round(Math.min(255, q * shade)))})`, 0.8);
      ctx.beginPath();
      for (const p of corner) ctx.lineTo(...p);
      ctx.closePath();
      ctx.fill();
      ctx.stroke();
      this.ink(`rgb(${c.line})`, 0.6);
      if (i % 4 === 0) this.line(...corner[0], ...corner[3]);
      if (j % 4 === 0) this.line(...corner[0], ...corner[1]);
      for (const [from, to, colour, width] of bits.get(i * CELLS + j) ?? []) {
        this.ink(colour, width);
        this.line(...from, ...to);
      }
    });
    // What the surface hides shines through a little.
    ctx.globalAlpha = 0.35;
    for (const [line, colour, width, dash] of lines) {
      this.ink(colour, width, dash);
      this.path(0, line.length - 1, (k) => line[k]?.[0] ?? NaN, (k) => line[k]?.[1] ?? NaN);
    }
    ctx.globalAlpha = 1;
    for (const [end, run] of ends) if (end) this.dot(...end, 5, run.colour, c.paper);
    const [u, v] = s.start.map((q, i) => this.unit(q, i));
    this.start = inside(u) && inside(v) ? this.pixel(u, v, this.level(problem.f(s.start, 1)) - 0.5) : null;
    if (this.start) this.dot(...this.start, 7, "", c.text);
    this.text(`height f(${this.spec.names ? this.spec.names[0][0] : "x"}): drag it, or the ring`, 2, 12, { colour: c.soft });
  }

  /** The two walls that face the reader, and the names of the axes at their feet. */
  walls(near, side) {
    const { ctx, c } = this;
    const wall = (point, name) => {
      const edge = Array.from({ length: CELLS + 1 }, (_, i) => point(i));
      this.ink(`rgb(${mix(c.low, c.high, 0.75)})`, 0.8);
      ctx.beginPath();
      for (const [u, v, z] of edge) ctx.lineTo(...this.pixel(u, v, z));
      for (const [u, v] of [edge[CELLS], edge[0]]) ctx.lineTo(...this.pixel(u, v, FLOOR));
      ctx.closePath();
      ctx.fill();
      ctx.stroke();
      const [u, v] = edge[CELLS / 2];
      this.text(name, ...this.pixel(u * 1.2, v * 1.2, FLOOR), { align: "center", colour: c.soft });
    };
    const q = (i) => (2 * i) / CELLS - 1;
    const z = (i, j) => this.z[i * (CELLS + 1) + j];
    const end = (way) => (way < 0 ? 0 : CELLS);
    const [first, second] = this.spec.names ?? ["x₁", "x₂"];
    wall((i) => [q(i), near, z(i, end(near))], first);
    wall((j) => [side, q(j), z(end(side), j)], second);
  }
}
