// The gradients of many minibatches at one point, around the gradient of all examples. Loaded by
// figures that have this view, and by no others.
import { fmt, scale } from "./draw.js";
import { minibatch, uniforms } from "./engine.js";
import { View } from "./views.js";

const DRAWS = 200;

export class Cloud extends View {
  update() {
    const { fig, box } = this;
    if (!fig.problem.examples) return;
    const all = this.each(fig.s.start);
    const span = (k) => [Math.min(0, ...all.map((g) => g[k])), Math.max(0, ...all.map((g) => g[k]))];
    const wide = ([lo, hi]) => [lo - 0.06 * (hi - lo), hi + 0.06 * (hi - lo)];
    this.sx = scale(...wide(span(0)), box.x, box.x + box.w);
    this.sy = scale(...wide(span(1)), box.y + box.h, box.y);
  }

  each(x) {
    const { example, examples } = this.fig.problem;
    return Array.from({ length: examples }, (_, i) => example(i, x, [0, 0]));
  }

  draw() {
    const { box, sx, sy, fig } = this;
    const { problem, s } = fig;
    if (!problem.examples) return this.note("This problem has no examples to draw from.");
    const c = this.clear();
    const { x, last } = fig.runs[0].result;
    const t = Math.min(s.t, last);
    const p = [x[2 * t], x[2 * t + 1]];
    const g = problem.grad(p, [0, 0], 1);
    // Covariance of a minibatch of B: that of one example, over B.
    let [uu, uv, vv] = [0, 0, 0];
    for (const [u, v] of this.each(p)) {
      uu += (u - g[0]) ** 2 / problem.examples / s.batch;
      uv += ((u - g[0]) * (v - g[1])) / problem.examples / s.batch;
      vv += (v - g[1]) ** 2 / problem.examples / s.batch;
    }
    this.axes(box, sx, sy, "gradient: slope", "gradient: height");
    this.clip(4);
    const uniform = uniforms(s.seed + 100);
    const colour = fig.runs[0].colour;
    this.cloud = Array.from({ length: DRAWS }, () => minibatch(problem, p, [0, 0], s.batch, uniform));
    for (const [u, v] of this.cloud) this.dot(sx(u), sy(v), 2.5, colour);
    // One standard deviation in each direction: the unit circle, under the covariance's root.
    const a = Math.sqrt(uu), b = uv / a, d = Math.sqrt(Math.max(0, vv - b * b));
    const at = (k) => [Math.cos((k * Math.PI) / 48), Math.sin((k * Math.PI) / 48)];
    this.ink(c.text, 1.5, [4, 3]);
    this.path(0, 96, (k) => sx(g[0] + a * at(k)[0]), (k) => sy(g[1] + b * at(k)[0] + d * at(k)[1]));
    this.arrow(sx(0), sy(0), sx(g[0]), sy(g[1]), c.text);
    this.dot(sx(g[0]), sy(g[1]), 4, c.text, c.paper);
    this.ctx.restore();
    const spread = Math.sqrt(uu + vv);
    this.describe(`${DRAWS} gradients of minibatches of ${s.batch} after ${t} steps, as dots around the ` +
      `gradient of all ${problem.examples} examples, of length ${fmt(Math.hypot(...g))}, an arrow. ` +
      `They are ${fmt(spread)} away from it in the root mean square; the dashed ellipse is one standard deviation.`);
    this.text(`spread ${fmt(spread)}`, box.x + box.w - 6, box.y + 10, { align: "right" });
  }
}
