// A question before a figure: the figure waits at its first step, and cannot be touched, until the
// reader has answered or asked to be shown. Then it plays, and the answer stands beside the truth,
// which was computed from the figure's runs when the book was built.
import { Pad } from "./pad.js";
import { button, make, number } from "./task.js";

let serial = 0;

/** A number for people: three digits. */
const short = (v) => String(Number(v.toPrecision(3))).replace("-", "−");

/** Waits until a figure is there: it starts when the reader comes near. */
function ready(figure) {
  return new Promise((done) => {
    const look = () => figure.classList.contains("of-ready") && (watch.disconnect(), done());
    const watch = new MutationObserver(look);
    watch.observe(figure, { attributes: true, attributeFilter: ["class"] });
    look();
  });
}

class Prediction {
  constructor(root) {
    this.root = root;
    this.figure = document.getElementById(root.dataset.figure);
    this.kind = root.dataset.answer;
    const details = root.querySelector(".task-answers");
    this.truth = root.querySelector(".task-verdict");
    this.prose = root.querySelector(".task-prose");
    this.prose.id ||= `predict-asked-${++serial}`;
    this.form = make("form", "task-form");
    this.form.noValidate = true;
    this[this.kind]();
    this.status = make("p", "task-status");
    this.status.setAttribute("role", "status");
    this.truth.tabIndex = -1;
    const go = Object.assign(button("Predict", "primary"), { type: "submit" });
    const skip = button("Show me");
    skip.onclick = () => this.reveal("");
    this.bar = make("div", "task-bar");
    this.bar.append(go, skip);
    this.truth.hidden = true;
    this.form.append(this.bar, this.status, this.truth);
    details.replaceWith(this.form);
    this.form.onsubmit = (event) => {
      event.preventDefault();
      this.answer();
    };
    this.form.oninput = () => (this.status.textContent = "");
    this.hold();
  }

  // -- the three kinds -----------------------------------------------------------------------

  number() {
    const label = make("label", "task-number", "Your guess: ");
    this.input = Object.assign(make("input"), { type: "text", inputMode: "decimal", autocomplete: "off", size: 12 });
    this.input.setAttribute("aria-describedby", this.prose.id);
    label.append(this.input);
    this.form.append(label);
  }

  choice() {
    const list = this.root.querySelector(".task-choices");
    const set = make("fieldset", "task-set");
    set.setAttribute("aria-describedby", this.prose.id);
    set.append(make("legend", "", "Mark one."));
    this.inputs = [...list.children].map((item, k) => {
      const letter = String.fromCharCode(97 + k);
      const input = Object.assign(make("input"), { type: "radio", name: `predict-${serial}`, value: letter });
      const label = make("label");
      const text = make("span");
      text.append(...(item.querySelector("p") ?? item).childNodes);
      label.append(input, make("span", "task-letter", `(${letter})`), text);
      item.replaceChildren(label);
      return input;
    });
    set.append(list);
    this.form.append(set);
  }

  mark() {
    this.form.append(make("p", "predict-how", "Click the place in the figure below, or move there with its arrow keys."));
    this.placed = make("output", "predict-placed");
    this.form.append(this.placed);
  }

  // -- the figure ----------------------------------------------------------------------------

  /** Keeps the figure at its first step, out of reach. */
  async hold() {
    const linked = () => location.hash.startsWith(`#${this.figure.id}=`);
    await ready(this.figure);
    // Who comes by a link to a state of the figure, or could answer sooner, is not kept waiting.
    if (this.done || linked()) return this.release(false);
    this.figure.rewind();
    this.figure.body.inert = true;
    addEventListener("hashchange", () => linked() && this.release(false));
    if (this.kind !== "mark") return;
    this.pad = new Pad(this.figure, this.prose.textContent.trim(), (place) => {
      // Not taken away, or the figure would move under the hand.
      if (this.status.textContent) this.say("Marked.");
      this.placed.textContent = `Your mark: ${place.map(short).join(", ")}`;
    });
  }

  release(play) {
    const { figure } = this;
    figure.classList.remove("of-held");
    if (!figure.body) return; // it has not started, and will find the answer given
    figure.body.inert = false;
    if (!play) return;
    figure.rewind();
    figure.toggle();
  }

  // -- the answer ----------------------------------------------------------------------------

  answer() {
    const { dataset } = this.root;
    const truth = JSON.parse(dataset.truth ?? "[]");
    const width = Number(dataset.width) * (1 + 1e-12);
    if (this.kind === "choice") {
      const marked = this.inputs.find((input) => input.checked);
      if (!marked) return this.say("Mark an answer first, or let the figure show it.");
      const right = marked.value === dataset.right;
      return this.reveal(`You said (${marked.value}). ${right ? "That is what happens." : "It goes otherwise."}`);
    }
    if (this.kind === "mark") {
      const place = this.pad?.place;
      if (!place) return this.say("Mark a place in the figure first, or let it show the answer.");
      const off = Math.hypot(...place.map((v, i) => v - truth[i]));
      const close = off <= width ? "That is close enough" : "That is off";
      return this.reveal(`You said ${place.map(short).join(", ")}. ${close}: by ${short(off)}.`);
    }
    const given = number(this.input.value);
    if (Number.isNaN(given)) return this.say("Write a number, such as 0.25, 1/4 or 2.5e-1.");
    const off = given - truth[0];
    const close = Math.abs(off) <= width;
    const way = off < 0 ? "low" : "high";
    this.given = given;
    this.reveal(`You said ${short(given)}. ${close ? "That is close enough." : `That is too ${way}.`}`);
  }

  /** Marks the answer and the truth below the slider that the question was about. */
  async onSlider() {
    const { control, truth } = this.root.dataset;
    if (!control) return;
    await ready(this.figure);
    const { toPosition } = await import("../optfigure/engine.js");
    const { runs, shown } = this.figure;
    const hyper = runs.flatMap((run) => run.rule.hypers).find(({ name }) => name === control);
    const track = this.figure.querySelector(`[data-name="${control}"]`).parentElement;
    const mark = (name, value) => {
      const el = make("span", `of-mark predict-at predict-at-${name}`, name);
      el.setAttribute("aria-hidden", "true"); // the words above say it
      el.style.setProperty("--at", toPosition({ ...hyper, ...shown.ranges?.[control] }, value));
      track.append(el);
    };
    if (this.given !== undefined) mark("you", this.given);
    mark("figure", JSON.parse(truth)[0]);
  }

  say(text) {
    this.status.textContent = text;
  }

  reveal(said) {
    this.done = true;
    this.bar.hidden = true;
    if (this.input) this.input.readOnly = true;
    this.inputs?.forEach((input) => (input.disabled = true));
    this.form.querySelectorAll(".predict-how, .predict-placed").forEach((line) => line.remove());
    this.say(said);
    this.truth.hidden = false;
    this.pad?.fix(JSON.parse(this.root.dataset.truth));
    this.release(true);
    this.onSlider();
    this.truth.focus({ preventScroll: true });
  }
}

document.querySelectorAll(".task.predict").forEach((root) => new Prediction(root));
