// The problem as a track on which a ball rolls: an arrow for its velocity, and one for the push of
// the slope. Loaded by figures that have this view, and by no others.
import { simulate } from "./engine.js";
import { PARTS } from "./printed.js";
import { VIEWS } from "./views.js";

const RADIUS = 8;
const GAIN = 4; // arrows are that many times as long as the step, or the ball would hide them

export class Ball extends VIEWS.plane {
  update() {
    super.update();
    this.describe(`${this.canvas.getAttribute("aria-label")} An arrow shows each ball's velocity, ` +
      "another the push of the slope.");
  }

  /** The tangent and the step are drawn as arrows of the ball here. */
  slope() {}

  /** The names stand above the balls, for the arrows lie beside them. */
  names(ends) {
    const { x: left, w } = this.box;
    let above = Infinity;
    for (const [x, y, run] of ends.sort((a, b) => b[1] - a[1])) {
      above = Math.min(above - 14, y - 28);
      const half = this.ctx.measureText(run.short).width / 2;
      this.text(run.short, Math.max(left + half, Math.min(left + w - half, x)), above, { align: "center", colour: run.colour });
    }
  }

  draw() {
    super.draw();
    const { fig, flat } = this;
    this.clip(flat ? 6 : 0);
    for (const run of fig.runs) this.roll(run, Math.min(fig.s.t, run.result.last));
    this.ctx.restore();
  }

  /** Where momentum alone would take a ball, and from there what the slope adds. */
  roll(run, t) {
    const { fig, sx, sy, c, flat } = this;
    const moment = (k) => simulate(fig.problem, run.rule, run.hyper, fig.setup(run, { steps: k })).end;
    const now = moment(t);
    const at = [sx(now.x[0]), flat ? sy(fig.problem.f(now.x, 1)) - RADIUS : sy(now.x[1])];
    const parts = PARTS[run.rule.name];
    if (parts && t < run.result.last) {
      // On a track the arrows lie level: the rule moves x alone.
      const tip = (name, { x, state }) => {
        const [p, q] = x.map((v, i) => parts[name](v, state[parts.state][i], run.hyper));
        const far = (to, from) => from + GAIN * (to - from);
        return [far(sx(p), at[0]), flat ? at[1] : far(sy(q), at[1])];
      };
      this.arrow(...tip("base", now), ...tip("coast", now), run.colour);
      this.arrow(...tip("coast", now), ...tip("base", moment(t + 1)), c.text);
    }
    this.dot(...at, RADIUS, run.colour, c.paper);
  }
}
