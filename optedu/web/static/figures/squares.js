// What a rule has added up of two coordinates, drawn as squares: the area is the sum, the side its
// root. Loaded by figures that have this view, and by no others.
import { fmt } from "./draw.js";
import { simulate } from "./engine.js";
import { View } from "./views.js";

export class Squares extends View {
  update() {
    const { fig, spec } = this;
    this.run = fig.runs.find((run) => spec.state in run.result.state);
    if (!this.run || fig.problem.dim !== 2) return (this.sums = null);
    const { last, x } = this.run.result;
    this.sums = [0, 1].map((point) =>
      simulate(fig.problem, this.run.rule, this.run.hyper, fig.setup(this.run, { point })).state[spec.state]);
    // The last move of each coordinate so far; before the first there is none.
    this.moves = [0, 1].map((k) => {
      const out = [0];
      for (let t = 1; t <= last; t++) out.push(Math.abs(x[2 * t + k] - x[2 * t - 2 + k]) || out[t - 1]);
      return out;
    });
    this.most = Math.sqrt(Math.max(...this.sums.map((sum) => sum[last])));
    this.longest = Math.max(...this.moves.flat());
  }

  draw() {
    if (!this.sums) return this.note("There is no run here that adds up squares of two coordinates.");
    const c = this.clear();
    const { ctx, fig, spec, run, w, h } = this;
    const t = Math.min(fig.s.t, run.result.last);
    const [column, base] = [w / 2, h - 78];
    const size = Math.min(column - 24, base - 44);
    this.sides = this.sums.map((sum) => Math.sqrt(sum[t]));
    this.text("area: summed squares of the gradient", 12, 12, { colour: c.soft });
    this.sides.forEach((side, k) => {
      const left = 12 + k * column;
      const square = (length) => [left, base - length, length, length];
      const now = (size * side) / this.most;
      ctx.globalAlpha = 0.25;
      this.ink(run.colour, 2);
      ctx.fillRect(...square(now));
      ctx.globalAlpha = 1;
      ctx.strokeRect(...square(now));
      // What the last gradient added is the rim between this square and the one before.
      this.ink(run.colour, 1, [3, 3]);
      if (t > 0) ctx.strokeRect(...square((size * Math.sqrt(this.sums[k][t - 1])) / this.most));
      this.text(`side ${fmt(side)}`, left, base - now - 10);
      this.text(spec.names[k], left, base + 16);
      this.text(`last step ${fmt(this.moves[k][t])}`, left, base + 38);
      this.ink(run.colour, 9);
      this.line(left, base + 54, left + (size * this.moves[k][t]) / this.longest, base + 54);
    });
    this.describe(`${run.label} after ${t} steps. ` + this.sides.map((side, k) =>
      `${spec.names[k]}: a square with the side ${fmt(side)}, the last step ${fmt(this.moves[k][t])}`).join("; ") + ".");
  }
}
