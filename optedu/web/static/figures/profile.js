// The coordinates of a run side by side, as beads on a chain. Loaded by figures that have this view,
// and by no others.
import { scale } from "./draw.js";
import { View } from "./views.js";

export class Profile extends View {
  constructor(fig, spec) {
    super(fig, spec, "The coordinates of every run side by side, and those of the minimum as a dashed line");
    this.el.classList.add("of-scene");
  }

  update() {
    const { fig, box } = this;
    const { dim, minima } = fig.problem;
    this.ends = this.spec.ends ?? [];
    const known = [...fig.s.start, ...(minima[0] ?? []), ...this.ends];
    const [lo, hi] = [Math.min(...known), Math.max(...known)];
    const pad = 0.12 * (hi - lo || 1);
    this.sx = scale(0, dim + 1, box.x, box.x + box.w);
    this.sy = scale(lo - pad, hi + 2 * pad, box.y + box.h, box.y);
  }

  draw() {
    const c = this.clear();
    const { box, sx, sy, fig, ends } = this;
    const n = fig.problem.dim;
    this.axes(box, sx, sy, "coordinate", "height of each bead");
    this.clip(5);
    const chain = (heights) => {
      const all = ends.length ? [ends[0], ...heights, ends[1]] : [NaN, ...heights, NaN];
      this.path(0, n + 1, sx, (i) => sy(all[i]));
    };
    if (fig.problem.minima[0]) {
      this.ink(c.soft, 1.5, [4, 4]);
      chain(fig.problem.minima[0]);
    }
    for (const { result, colour, dash } of fig.runs) {
      const t = Math.min(fig.s.t, result.last);
      const heights = Array.from(result.x.subarray(t * n, (t + 1) * n));
      this.ink(colour, 2, dash);
      chain(heights);
      heights.forEach((v, i) => this.dot(sx(i + 1), sy(v), 3.5, colour, c.paper));
    }
    if (ends.length) ends.forEach((v, i) => this.dot(sx(i * (n + 1)), sy(v), 5, c.text));
    this.ctx.restore();
  }
}
