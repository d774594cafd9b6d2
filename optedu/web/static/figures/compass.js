// One point, all directions: the gradient and a direction as arrows across the level lines, and the
// slope along each direction. Loaded by figures that have these views, and by no others.
import { fmt, scale } from "./draw.js";
import { VIEWS, View } from "./views.js";

const LONG = 46; // pixels of an arrow
const RADIAN = Math.PI / 180;

/** Where the first run stands, the gradient there, and the direction that the reader has turned. */
function here(fig) {
  if (fig.problem.dim !== 2) return { length: 0 };
  const { x, last } = fig.runs[0].result;
  const t = Math.min(fig.s.t, last);
  const p = [x[2 * t], x[2 * t + 1]];
  const g = fig.problem.grad(p, [0, 0], 1);
  const turned = fig.angle ?? 0;
  const along = (degrees) => g[0] * Math.cos(degrees * RADIAN) + g[1] * Math.sin(degrees * RADIAN);
  return { p, g, turned, along, length: Math.hypot(...g) };
}

/** The plane, with one scale for both coordinates: only so is a gradient square to a level line. */
export class Arrows extends VIEWS.plane {
  update() {
    const { window, dim } = this.fig.problem;
    const { w, h } = this.box;
    delete this.spec.window;
    if (dim !== 2) return super.update();
    const unit = Math.max((window[0][1] - window[0][0]) / w, (window[1][1] - window[1][0]) / h);
    const around = ([lo, hi], size) => [(lo + hi - size) / 2, (lo + hi + size) / 2];
    this.spec.window = [around(window[0], unit * w), around(window[1], unit * h)];
    super.update();
  }

  draw() {
    super.draw();
    const { sx, sy, fig, c } = this;
    const { p, g, turned, length } = here(fig);
    if (!(length > 0 && length < Infinity)) return;
    const [x, y] = [sx(p[0]), sy(p[1])];
    const to = (u, v, name, colour) => {
      this.arrow(x, y, x + LONG * u, y - LONG * v, colour);
      this.text(name, x + (LONG + 12) * u, y - (LONG + 12) * v, { align: "center", colour });
    };
    to(g[0] / length, g[1] / length, "∇f", c.text);
    to(Math.cos(turned * RADIAN), Math.sin(turned * RADIAN), "d", fig.runs[0].colour);
  }
}

/** The slope along each direction, at the point where the first run stands. */
export class Compass extends View {
  constructor(fig, spec) {
    super(fig, spec);
    fig.angle ??= spec.angle ?? 0;
    const turn = (degrees) => {
      fig.angle = Math.round(((((degrees + 180) % 360) + 360) % 360) - 180);
      fig.draw();
    };
    this.pointer((px) => turn(this.sx.invert(Math.max(this.box.x, Math.min(this.box.x + this.box.w, px)))), {
      grab: (px, py) => this.mark && Math.hypot(px - this.mark[0], py - this.mark[1]) < 32,
    });
    this.keys((dx) => turn(fig.angle + 5 * dx));
  }

  update() {
    this.sx = scale(-180, 179.99, this.box.x, this.box.x + this.box.w);
  }

  draw() {
    const { box, sx, fig } = this;
    const { g, along, length, turned } = here(fig);
    if (!(length > 0 && length < Infinity)) return this.note("No slope in any direction.");
    const c = this.clear();
    const sy = scale(-1.25 * length, 1.25 * length, box.y + box.h, box.y);
    const slope = along(turned);
    this.axes(box, sx, sy, "direction of d, in degrees", `slope along d: ${fmt(slope)}`);
    this.describe(`Slope along each direction. Along ${turned} degrees it is ${fmt(slope)}; the lowest is ` +
      `${fmt(-length)}, the negative length of the gradient. Left and right arrow turn the direction.`);
    this.ink(c.soft, 1);
    this.line(box.x, sy(0), box.x + box.w, sy(0));
    const down = Math.atan2(-g[1], -g[0]) / RADIAN;
    this.ink(c.text, 1, [3, 3]);
    this.line(sx(down), box.y, sx(down), box.y + box.h);
    this.text("against ∇f", sx(down) + (down > 60 ? -6 : 6), box.y + 10, { align: down > 60 ? "right" : "left" });
    this.ink(c.text, 1.5);
    this.path(-180, 180, sx, (v) => sy(along(v)));
    this.mark = [sx(turned), sy(slope)];
    this.dot(...this.mark, 6, fig.runs[0].colour, c.paper);
  }
}
