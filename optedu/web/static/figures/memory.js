// What each past gradient still counts in the state by which a run divides. Loaded by figures that
// have this view, and by no others.
import { fmt, scale } from "./draw.js";
import { View } from "./views.js";

const LOW = 1e-4; // shares below are not drawn

/** The state of squared gradients of a rule, and what one step keeps of it and takes in of g²; asked of its printed code. */
export function memory(rule, hyper) {
  const name = ["G", "v"].find((n) => n in rule.init(1, hyper));
  if (!name) return null;
  const after = (old, g) => {
    const state = rule.init(1, hyper);
    state[name][0] = old;
    rule.step([0], [g], state, 1, hyper);
    return state[name][0];
  };
  return { name, keep: after(1, 0), take: after(0, 1) };
}

/** The shares of the gradients 1, ..., t in that state after step t, and how many of the newest have half. */
export function shares({ keep, take }, grad, t) {
  const share = new Float64Array(t + 1);
  let total = 0;
  for (let i = 1, w = take * keep ** (t - 1); i <= t; i++, w = take * keep ** (t - i)) total += share[i] = w * grad[i] ** 2;
  let sum = 0, half = 0;
  for (let i = t; i >= 1; i--) {
    share[i] /= total;
    if (sum < 0.5) half++;
    sum += share[i];
  }
  return { share, half };
}

export class Memory extends View {
  constructor(fig, spec) {
    super(fig, spec);
    this.el.classList.add("of-scene");
  }

  update() {
    const { fig, box } = this;
    this.sx = scale(0, fig.s.steps, box.x, box.x + box.w);
    this.sy = scale(LOW, 1.6, box.y + box.h, box.y, true);
  }

  draw() {
    this.clear();
    const { box, sx, sy, fig } = this;
    this.axes(box, sx, sy, "past step", "share of its gradient in the memory");
    this.clip(4);
    const said = [];
    let row = 0;
    for (const { rule, hyper, result, colour, dash, short } of fig.runs) {
      const t = Math.min(fig.s.t, result.last);
      const kept = t && memory(rule, hyper);
      if (!kept) continue;
      const { share, half } = shares(kept, result.grad, t);
      this.ink(colour, 2, dash);
      this.path(1, t, sx, (i) => sy(Math.max(LOW / 2, share[i])));
      this.dot(sx(t), sy(share[t]), 4, colour, this.c.paper);
      this.ink(colour, 1.5, [3, 3]);
      this.line(sx(t - half + 1), box.y + box.h, sx(t - half + 1), sy(share[t - half + 1]));
      const words = `half of it: the last ${half}`;
      this.text(words, box.x + 8, box.y + 12 + 16 * row++, { colour });
      said.push(`${short}: the newest gradient has the share ${fmt(share[t])}, ${words}`);
    }
    this.ctx.restore();
    this.describe(`After ${fig.s.t} steps, how much each past gradient counts. ${said.join("; ")}.`);
  }
}
