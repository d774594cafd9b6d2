// Questions that follow one another on a page take turns in one place: a numbered row of buttons
// leads from each to each. Without scripts, and on paper, they stand below one another.
import { make, button } from "./task.js";

const LEAST = 3;

class Series {
  constructor(roots) {
    this.roots = roots;
    this.root = make("div", "task-series");
    this.root.setAttribute("role", "group");
    this.root.setAttribute("aria-label", `${roots.length} questions`);
    this.bar = make("div", "task-series-bar");
    // A question earlier on the page has a number too.
    this.before = Number(roots[0].querySelector(".task-title")?.textContent.match(/\d+/)?.[0] ?? 1) - 1;
    this.tabs = roots.map((root, k) => {
      const tab = button(String(this.before + k + 1), "task-series-tab");
      tab.onclick = () => this.show(k);
      return tab;
    });
    this.next = button("Next question", "task-series-next");
    this.next.onclick = () => {
      this.show(this.at + 1);
      this.tabs[this.at].focus();
    };
    this.bar.append(...this.tabs, this.next);
    roots[0].before(this.root);
    this.root.append(this.bar, ...roots);
    roots.forEach((root, k) =>
      root.addEventListener("task-right", () => {
        this.tabs[k].dataset.right = "true";
        this.show(this.at);
      }),
    );
    addEventListener("hashchange", () => this.follow());
    this.show(0);
    this.follow();
  }

  /** Shows the question that the address names. */
  follow() {
    const k = this.roots.findIndex((root) => `#${root.id}` === location.hash);
    if (k >= 0) this.show(k);
  }

  show(k) {
    this.at = k;
    this.roots.forEach((root, j) => root.classList.toggle("task-away", j !== k));
    this.tabs.forEach((tab, j) => {
      const done = tab.dataset.right === "true" ? ", answered" : "";
      tab.setAttribute("aria-label", `Question ${this.before + j + 1} of ${this.before + this.tabs.length}${done}`);
      j === k ? tab.setAttribute("aria-current", "true") : tab.removeAttribute("aria-current");
    });
    this.next.hidden = k === this.roots.length - 1;
    this.next.classList.toggle("primary", this.tabs[k].dataset.right === "true");
  }
}

/** Gathers questions that stand next to one another, LEAST or more. */
export function gather(roots) {
  const runs = [];
  for (const root of roots) {
    const run = runs.at(-1);
    run?.at(-1).nextElementSibling === root ? run.push(root) : runs.push([root]);
  }
  return runs.filter((run) => run.length >= LEAST).map((run) => new Series(run));
}
