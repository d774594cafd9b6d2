// Turns a list of blocks into a proof to build: drag the blocks that belong into it with a mouse or a
// finger, or move them with their buttons or the keyboard. Nothing is loaded or stored.
import { drag } from "./drag.js";
import { faults, score, several } from "./order.js";
import { button, make, words } from "./task.js";

let serial = 0;

class ProofOrder {
  constructor(root) {
    this.root = root;
    const { needs, order } = JSON.parse(root.dataset.proof);
    this.needs = needs;
    this.answer = [...order];
    const details = root.querySelector(".task-answers");
    this.reasons = [...details.querySelectorAll(".task-verdict")];
    const uid = `order-${++serial}`;
    const list = root.querySelector(".task-blocks");
    const items = [...list.children];
    this.pool = make("ol", "order-list order-pool");
    this.proof = make("ol", "order-list order-proof");
    this.blocks = {};
    Object.keys(needs).forEach((letter, k) => this.block(letter, items[k], `${uid}-${k}`));
    const heading = (id, text, target) => {
      const head = Object.assign(make("p", "order-head", text), { id });
      target.setAttribute("aria-labelledby", id);
      return head;
    };
    this.help = Object.assign(make("p", "order-help",
      "Drag the blocks that belong into the proof, or use the buttons. Keys on a letter: Enter puts its " +
      "block in or takes it out, arrows move it."), { id: `${uid}-help` });
    this.live = make("p", "order-live");
    this.live.setAttribute("aria-live", "polite");
    this.status = make("p", "task-status");
    this.status.setAttribute("role", "status");
    this.check = button("Check", "primary");
    this.check.onclick = () => this.judge();
    this.again = button("Start again");
    this.again.onclick = () => this.restart();
    this.show = button("Show an order that is right");
    this.show.hidden = true;
    this.show.onclick = () => this.solve();
    const bar = make("div", "task-bar");
    bar.append(this.check, this.again, this.show);
    const form = make("div", "task-form");
    form.append(this.help, heading(`${uid}-pool`, "Blocks", this.pool), this.pool,
      heading(`${uid}-proof`, "Your proof", this.proof), this.proof, this.live, bar, this.status, ...this.reasons);
    list.remove();
    details.replaceWith(form);
    drag(form, [this.pool, this.proof], ".order-block", ".order-grip", (item, target, before) => {
      target.insertBefore(item, before);
      this.moved(item);
    });
    this.restart();
  }

  block(letter, item, id) {
    item.className = "order-block";
    item.dataset.letter = letter;
    const text = Object.assign(make("div", "order-text"), { id });
    text.append(...item.childNodes);
    const grip = button(letter, "order-grip");
    grip.setAttribute("aria-describedby", id);
    grip.onclick = () => this.toggle(item, grip);
    grip.onkeydown = (event) => {
      const way = { ArrowUp: -1, ArrowDown: 1 }[event.key];
      if (!way || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      this.shift(item, way, grip);
    };
    const tool = (name, sign, act) => {
      const made = button(sign, `order-${name}`);
      made.onclick = () => act(made);
      return made;
    };
    const buttons = make("div", "order-buttons");
    buttons.append(
      tool("use", "Use", () => this.toggle(item, grip)),
      tool("up", "↑", (made) => this.shift(item, -1, made)),
      tool("down", "↓", (made) => this.shift(item, 1, made)),
      tool("out", "×", () => this.toggle(item, grip)),
    );
    item.replaceChildren(grip, text, buttons);
    this.blocks[letter] = item;
  }

  get order() {
    return [...this.proof.children].map((item) => item.dataset.letter);
  }

  /** Puts a block at the end of the proof, or takes it out. */
  toggle(item, focus) {
    if (item.parentElement === this.pool) this.proof.append(item);
    else this.back(item);
    this.moved(item);
    focus.focus();
  }

  /** Among the others that wait, in the order of their letters. */
  back(item) {
    this.pool.insertBefore(item, [...this.pool.children].find((one) => one.dataset.letter > item.dataset.letter));
  }

  shift(item, way, focus) {
    if (item.parentElement === this.pool) return this.say(`${item.dataset.letter} is not in the proof: Enter puts it in.`);
    const other = way < 0 ? item.previousElementSibling : item.nextElementSibling;
    if (!other) return this.say(`${item.dataset.letter} is ${way < 0 ? "the first" : "the last"} step already.`);
    this.proof.insertBefore(way < 0 ? item : other, way < 0 ? other : item);
    this.moved(item);
    (focus.disabled ? item.querySelector(".order-grip") : focus).focus();
  }

  moved(item) {
    const { letter } = item.dataset;
    const { order } = this;
    const k = order.indexOf(letter);
    if (k < 0 && item.parentElement === this.pool) this.back(item);
    this.say(k < 0 ? `${letter} is out of the proof.` : `${letter} is step ${k + 1} of ${order.length}.`);
    this.refresh();
  }

  say(text) {
    this.live.textContent = text;
  }

  /** After each move: names and buttons fit the place, and the last verdict is gone. */
  refresh() {
    const { order } = this;
    for (const [letter, item] of Object.entries(this.blocks)) {
      const k = order.indexOf(letter);
      const set = (name, label, hidden, disabled = false) => {
        const made = item.querySelector(`.order-${name}`);
        made.setAttribute("aria-label", label);
        Object.assign(made, { hidden, disabled, title: label });
      };
      set("use", `Use ${letter}`, k >= 0);
      set("up", `Move ${letter} up`, k < 0, k === 0);
      set("down", `Move ${letter} down`, k < 0, k === order.length - 1);
      set("out", `Take ${letter} out`, k < 0);
      item.querySelector(".order-grip").setAttribute("aria-label",
        k < 0 ? `Block ${letter}, not in the proof` : `Block ${letter}, step ${k + 1} of ${order.length}`);
      item.classList.remove("order-fault");
    }
    this.reasons.forEach((reason) => (reason.hidden = true));
    this.status.textContent = "";
  }

  restart() {
    Object.values(this.blocks).forEach((item) => this.pool.append(item));
    this.show.hidden = true;
    this.say("");
    this.refresh();
  }

  /** Shows the reasons that `wanted` asks for, by their block and the block that it needs. */
  explain(wanted) {
    this.reasons.forEach((reason) => (reason.hidden = !wanted(reason.dataset.block, reason.dataset.needs)));
  }

  judge() {
    const { needs, order } = this;
    this.refresh();
    if (!order.length) return (this.status.textContent = "The proof is empty: put its first step in.");
    const { foreign, early, missing } = faults(needs, order);
    if (!foreign.length && !early.length && !missing) {
      const too = several(needs, order) ? " Other orders are right too." : "";
      const rest = Object.values(needs).includes(null) ? " Below is why the other blocks do not belong." : "";
      this.status.textContent = `Right: each step stands after what it needs.${too}${rest}`;
      this.explain((block, needed) => !needed);
      this.show.hidden = true;
      this.root.dispatchEvent(new CustomEvent("task-right", { bubbles: true }));
      return;
    }
    const share = Math.round(100 * score(needs, order));
    const absent = missing ? ` ${words(missing, "step is", "steps are")} missing.` : "";
    const pairs = new Set(early.map(([one, other]) => one + other));
    this.status.textContent = `${share ? `${share} % of this is right.` : "Nothing of this is right yet."}${absent}`;
    this.explain((block, needed) => (needed ? pairs.has(block + needed) : foreign.includes(block)));
    for (const one of [...foreign, ...early.map(([first]) => first)]) this.blocks[one].classList.add("order-fault");
    this.show.hidden = false;
  }

  solve() {
    Object.values(this.blocks).forEach((item) => this.pool.append(item));
    this.answer.forEach((letter) => this.proof.append(this.blocks[letter]));
    this.refresh();
    this.status.textContent = "This order is right:";
    this.explain(() => true);
    this.show.hidden = true;
    this.again.focus();
  }
}

if (globalThis.document) document.querySelectorAll(".task.prooforder").forEach((root) => new ProofOrder(root));
