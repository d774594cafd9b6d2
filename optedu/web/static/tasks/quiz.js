// Turns each question of a page into a form: radio buttons, check boxes or a field for a number,
// and a button that says whether the answer is right, and why. Nothing is loaded or stored.
import { gather } from "./series.js";
import { button, make, number, words } from "./task.js";

let serial = 0;

class Quiz {
  constructor(root) {
    this.root = root;
    const details = root.querySelector(".task-answers");
    this.kind = root.dataset.answer;
    this.verdicts = [...details.children].filter((child) => child.matches(".task-verdict"));
    this.form = make("form", "task-form");
    this.form.noValidate = true;
    const prose = root.querySelector(".task-prose");
    prose.id ||= `quiz-asked-${++serial}`;
    if (this.kind === "number") this.field(root, prose, details);
    else this.choices(root, prose);
    this.status = make("p", "task-status");
    this.status.setAttribute("role", "status");
    this.check = button("Check", "primary");
    this.check.type = "submit";
    this.all = button("Show all explanations");
    this.all.hidden = true;
    this.all.onclick = () => this.reveal();
    const bar = make("div", "task-bar");
    bar.append(this.check, this.all);
    this.form.append(bar, this.status);
    if (this.kind === "number") this.form.append(...this.verdicts);
    this.verdicts.forEach((verdict) => (verdict.hidden = true));
    details.replaceWith(this.form);
    this.form.onsubmit = (event) => {
      event.preventDefault();
      this.answer();
    };
    this.form.oninput = () => {
      this.status.textContent = "";
      this.verdicts.forEach((verdict) => (verdict.hidden = true));
    };
  }

  choices(root, prose) {
    const list = root.querySelector(".task-choices");
    const type = this.kind === "multiple" ? "checkbox" : "radio";
    const set = make("fieldset", "task-set");
    const legend = make("legend", "", this.kind === "multiple" ? "Mark all that are right." : "Mark one.");
    set.setAttribute("aria-describedby", prose.id);
    this.inputs = [...list.children].map((item, k) => {
      const input = Object.assign(make("input"), { type, name: `quiz-${serial}`, value: k });
      const label = make("label");
      const text = make("span");
      text.append(...(item.querySelector("p") ?? item).childNodes);
      // In the label, so that a choice that is all formula has a name in words too.
      label.append(input, make("span", "task-letter", `(${String.fromCharCode(97 + k)})`), text);
      item.replaceChildren(label, this.verdicts[k]);
      return input;
    });
    set.append(legend, list);
    this.form.append(set);
  }

  field(root, prose) {
    const label = make("label", "task-number", "Your answer: ");
    this.input = Object.assign(make("input"), { type: "text", inputMode: "decimal", autocomplete: "off", size: 12 });
    this.input.setAttribute("aria-describedby", prose.id);
    label.append(this.input);
    this.form.append(label);
  }

  answer() {
    this.all.hidden = false;
    if (this.kind === "number") return this.judgeNumber();
    const marked = this.inputs.map((input) => input.checked);
    const right = this.verdicts.map((verdict) => verdict.dataset.right === "true");
    if (!marked.some(Boolean)) return this.say("Mark an answer first.");
    this.verdicts.forEach((verdict, k) => (verdict.hidden = !marked[k]));
    if (marked.every((on, k) => on === right[k])) {
      this.say("Right. Each answer is explained above.");
      this.right();
      return this.reveal();
    }
    const wrong = marked.filter((on, k) => on && !right[k]).length;
    const missing = right.filter((is, k) => is && !marked[k]).length;
    if (this.kind === "single") return this.say("Not this one: see above why, and try again.");
    this.say([
      wrong && `${words(wrong, "marked answer is", "marked answers are")} wrong`,
      missing && `${words(missing, "right answer is", "right answers are")} not marked`,
    ].filter(Boolean).join(", ") + ".");
  }

  judgeNumber() {
    const given = number(this.input.value);
    if (Number.isNaN(given)) return this.say("Write a number, such as 0.25, 1/4 or 2.5e-1.");
    const close = ({ dataset }) => "value" in dataset &&
      // Half a unit of the last digit of a double is no mistake.
      Math.abs(given - dataset.value) <= Number(dataset.width) + 1e-12 * Math.abs(dataset.value);
    const found = this.verdicts.find(close) ?? this.verdicts.find(({ dataset }) => !("value" in dataset));
    this.verdicts.forEach((verdict) => (verdict.hidden = verdict !== found));
    const right = found.dataset.right === "true";
    this.say(right ? "Right:" : "Not this number:");
    if (right) this.right();
  }

  right() {
    this.root.dispatchEvent(new CustomEvent("task-right", { bubbles: true }));
  }

  say(text) {
    this.status.textContent = text;
  }

  reveal() {
    this.verdicts.forEach((verdict) => (verdict.hidden = false));
    this.all.hidden = true;
  }
}

if (globalThis.document) {
  const roots = [...document.querySelectorAll(".task.quiz")];
  roots.forEach((root) => new Quiz(root));
  gather(roots);
}
