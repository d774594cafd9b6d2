// A place in a figure's plane that the reader points at, and later the truth beside it.
import { make } from "./task.js";

const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const KEY_STEPS = 50; // presses of an arrow key from edge to edge

export class Pad {
  constructor(figure, label, changed) {
    this.figure = figure;
    this.changed = changed;
    this.el = make("div", "predict-pad");
    this.el.tabIndex = 0;
    this.el.setAttribute("role", "application");
    this.el.setAttribute("aria-label", `${label} Arrow keys move the mark, with Shift ten times as far.`);
    this.marks = [];
    // A finger that scrolls the page passes over; where it taps is a click.
    const touch = (event) => event.pointerType === "touch";
    this.el.onpointerdown = (event) => {
      if (touch(event)) return;
      this.el.setPointerCapture(event.pointerId);
      this.at(event);
    };
    this.el.onpointermove = (event) => event.buttons && !touch(event) && this.at(event);
    this.el.onclick = (event) => touch(event) && this.at(event);
    this.el.onkeydown = (event) => this.key(event);
    figure.append(this.el);
    new ResizeObserver(() => this.lay()).observe(figure);
    this.lay();
  }

  get view() {
    return this.figure.views.find((view) => view.el.classList.contains("of-plane"));
  }

  /** Over the plane's own box, which the figure lays out anew with its width. */
  lay() {
    const { canvas, box } = this.view;
    if (!box) return; // the figure has no width yet, and will get one
    const [own, of] = [canvas.getBoundingClientRect(), this.figure.getBoundingClientRect()];
    Object.assign(this.el.style, {
      left: `${own.left - of.left + box.x}px`, top: `${own.top - of.top + box.y}px`,
      width: `${box.w}px`, height: `${box.h}px`,
    });
    this.marks.forEach((mark) => this.put(mark));
  }

  get place() {
    return this.marks[0]?.place;
  }

  set(place) {
    const { window: sides, flat } = this.view;
    const kept = place.slice(0, flat ? 1 : 2)
      .map((v, i) => Number(Math.min(sides[i][1], Math.max(sides[i][0], v)).toPrecision(4)));
    if (this.marks[0]) this.marks[0].place = kept;
    else this.mark(kept, "you");
    this.lay();
    this.changed(kept);
  }

  mark(place, name) {
    const el = make("span", `predict-mark predict-${name}`);
    el.append(make("b", "", name === "you" ? "you" : "figure"));
    this.el.append(el);
    this.marks.push({ el, place, own: name === "you" });
    this.lay();
  }

  /** The names stand on the two sides of their marks, where there is room. */
  put({ el, place: [x, y], own }) {
    const { sx, sy, box, fig, flat } = this.view;
    const left = sx(x) - box.x;
    el.style.left = `${left}px`;
    el.style.top = `${sy(flat ? fig.problem.f([x], 1) : y) - box.y}px`;
    el.classList.toggle("predict-left", left > (own ? 60 : box.w - 70));
  }

  at(event) {
    const { sx, sy, box } = this.view;
    const own = this.el.getBoundingClientRect();
    this.set([sx.invert(event.clientX - own.left + box.x), sy.invert(event.clientY - own.top + box.y)]);
  }

  key(event) {
    const way = MOVES[event.key];
    if (!way || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const { window: sides } = this.view;
    const far = (event.shiftKey ? 10 : 1) / KEY_STEPS;
    const from = this.place ?? this.figure.s.start;
    this.set(from.map((v, i) => v + way[i] * far * (sides[i][1] - sides[i][0])));
  }

  /** Both marks stay until the reader moves the figure on. */
  fix(truth) {
    this.mark(truth, "truth");
    this.el.inert = true;
    this.el.classList.add("predict-fixed");
    const gone = () => this.el.remove();
    this.figure.addEventListener("input", gone, { once: true });
    this.figure.querySelector(".of-views").addEventListener("pointerdown", gone, { once: true });
    this.figure.querySelector(".of-views").addEventListener("keydown", gone, { once: true });
  }
}
