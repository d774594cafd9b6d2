// One track a run: the point on it, the box |x| <= 1/lambda of its weight decay, the minimum of f
// and that of f with an L2 penalty. Loaded by figures that have this view, and by no others.
import { fmt, scale } from "./draw.js";
import { View } from "./views.js";

/** The minimum of f(x) + lambda x²/2 between zero and the minimum of f, by bisection of the slope. */
export function shrunk(problem, minimum, lambda) {
  const slope = (x) => problem.grad([x], [0], 1)[0] + lambda * x;
  let [low, high] = minimum < 0 ? [minimum, 0] : [0, minimum];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (slope(middle) > 0) high = middle;
    else low = middle;
  }
  return (low + high) / 2;
}

export class Box extends View {
  constructor(fig, spec) {
    super(fig, spec);
    this.el.classList.add("of-scene");
  }

  update() {
    const { fig, box } = this;
    const { dim, minima } = fig.problem;
    const minimum = dim === 1 ? minima?.[0]?.[0] : undefined;
    this.minimum = minimum;
    if (minimum === undefined) return;
    const known = [fig.s.start[0], minimum, 0];
    const [lo, hi] = [Math.min(...known), Math.max(...known)];
    const pad = 0.12 * (hi - lo);
    this.sx = scale(lo - pad, hi + pad, box.x, box.x + box.w);
    this.sy = scale(fig.runs.length, 0, box.y + box.h, box.y);
  }

  draw() {
    if (this.minimum === undefined) return this.note("There is no single coordinate with a known minimum here.");
    const c = this.clear();
    const { box, sx, sy, fig, minimum } = this;
    this.axes(box, sx, null, "x", "where each run is");
    this.clip(4);
    const said = [];
    fig.runs.forEach(({ hyper, result, colour, short }, row) => {
      const t = Math.min(fig.s.t, result.last);
      const x = result.x[t];
      const y = sy(row + 0.62);
      const lambda = hyper[this.spec.decay] ?? 0;
      const room = (sy(1) - sy(0)) * 0.26;
      if (lambda > 0) {
        const [left, right] = [Math.max(box.x, sx(-1 / lambda)), Math.min(box.x + box.w, sx(1 / lambda))];
        this.ctx.fillStyle = c.grid;
        this.ctx.fillRect(left, y - room, Math.max(0, right - left), 2 * room);
      }
      this.ink(c.soft, 1);
      this.line(box.x, y, box.x + box.w, y);
      this.ink(c.text, 1.5);
      for (const side of [-1, 1]) this.line(sx(minimum) - 4, y - 4 * side, sx(minimum) + 4, y + 4 * side);
      const penalized = shrunk(fig.problem, minimum, lambda);
      this.line(sx(penalized), y - room, sx(penalized), y + room);
      this.dot(sx(x), y, 6, colour, c.paper);
      this.text(`${short}: ${fmt(x)}`, box.x + 6, y - room - 7, { colour });
      said.push(`${short} is at ${fmt(x)}${lambda > 0 ? `, its box ends at ${fmt(1 / lambda)}, the penalized minimum is ${fmt(penalized)}` : ""}`);
    });
    this.ctx.restore();
    this.describe(`After ${fig.s.t} steps. ${said.join("; ")}.`);
  }
}
