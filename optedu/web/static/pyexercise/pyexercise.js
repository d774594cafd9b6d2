// Turns each static exercise of a page into an editor with Run and check, Stop and Reset.
// Nothing is downloaded before the first click on Run and check.
import { editor } from "./editor.js";

const LIMIT_SECONDS = 20;
const BOOT_SECONDS = 180;
const MARKS = { pass: "Pass", fail: "Fail", error: "Error", skipped: "Not checked" };

/** The page's one Python, shared by its exercises. Stopping it ends the worker. */
const python = {
  worker: null,
  ready: false,
  owner: null,
  timer: 0,

  start() {
    this.ready = false;
    this.worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
    this.worker.onmessage = ({ data }) => this.hear(data);
    this.worker.onerror = (event) => {
      event.preventDefault();
      this.hear({ kind: "broken", value: event.message || "the worker could not start" });
    };
  },

  run(owner, source, checks) {
    this.owner = owner;
    if (!this.worker) this.start();
    if (!this.ready) this.limit(BOOT_SECONDS, "Python did not start within 3 minutes.");
    this.worker.postMessage({ source, checks });
  },

  hear({ kind, value }) {
    if (kind === "ready") this.ready = true;
    else if (kind === "running") this.limit(LIMIT_SECONDS, `Stopped: it ran for ${LIMIT_SECONDS} seconds.`);
    else if (kind === "broken") this.end(`Python stopped: ${value}`);
    else if (kind === "result") this.free()?.finish(value);
    else this.owner?.[kind](value);
  },

  limit(seconds, message) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.end(message), seconds * 1000);
  },

  free() {
    clearTimeout(this.timer);
    const owner = this.owner;
    this.owner = null;
    return owner;
  },

  end(message) {
    const again = this.ready;
    this.worker?.terminate();
    this.worker = null;
    this.free()?.stopped(message);
    // The files are in the cache by now: have the next run ready.
    if (again) this.start();
  },
};

const make = (tag, className, text) => {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
};

const store = {
  get(key) {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  },
  set(key, value) {
    try {
      value === null ? localStorage.removeItem(key) : localStorage.setItem(key, value);
    } catch {
      // Storage is off or full: the exercise still works, it only forgets.
    }
  },
};

const DRAWN = new Set(
  "svg g title desc path line polyline polygon rect circle ellipse text tspan defs clipPath".split(" "),
);

/** Read SVG markup and keep only shapes and text: no scripts, links or handlers. */
function drawing(markup) {
  const root = new DOMParser().parseFromString(markup, "image/svg+xml").documentElement;
  if (root.nodeName !== "svg") return null;
  for (const element of [root, ...root.querySelectorAll("*")]) {
    if (!DRAWN.has(element.nodeName)) element.remove();
    for (const { name, value } of [...element.attributes]) {
      if (/^on|href|^style$/i.test(name) || /url\s*\(\s*["']?(?!#)/i.test(value)) element.removeAttribute(name);
    }
  }
  return document.importNode(root, true);
}

class Exercise {
  constructor(root) {
    this.root = root;
    const data = JSON.parse(root.querySelector("script[type='application/json']").textContent);
    Object.assign(this, data);
    this.storeKey = `optedu:pyexercise:${this.key}`;
    const title = root.getAttribute("aria-label");
    const code = root.querySelector("[class*='highlight-']");
    this.editor = editor(code, {
      text: store.get(this.storeKey) ?? this.starter,
      label: `Code for: ${title}. Tab indents; press Escape, then Tab, to leave.`,
      onInput: (text) => store.set(this.storeKey, text === this.starter ? null : text),
      onRun: () => this.run(),
    });
    this.buttons();
    this.out = make("div", "pyexercise-output");
    this.out.hidden = true;
    this.bar.after(this.note, this.status, this.out);
    this.items = [...root.querySelectorAll(".checks > li")];
    this.work = root.querySelector(".pyexercise-work");
    // Who has begun finds the work as it was left.
    this.work.open = store.get(this.storeKey) !== null;
    this.state("idle");
  }

  buttons() {
    this.bar = make("div", "pyexercise-bar");
    const add = (text, action, className) => {
      const button = make("button", className, text);
      button.type = "button";
      button.addEventListener("click", action);
      this.bar.append(button);
      return button;
    };
    this.runButton = add("Run and check", () => this.run(), "primary");
    this.stopButton = add("Stop", () => python.end("Stopped."));
    this.resetButton = add("Reset", () => this.reset());
    this.root.querySelector(".pyexercise-editor").after(this.bar);
    const [raw, small] = [this.rawBytes, this.compressedBytes].map((bytes) => (bytes / 1e6).toFixed(1));
    this.note = make(
      "p",
      "pyexercise-note",
      `The first run downloads Python, NumPy, SymPy and optedu from this site, ${raw} MB ` +
        `(${small} MB where the site compresses). Your code stays in this browser.`,
    );
    this.status = make("p", "pyexercise-status");
    this.status.setAttribute("role", "status");
  }

  state(name) {
    const busy = name === "busy";
    this.root.dataset.state = name;
    this.runButton.disabled = busy;
    this.stopButton.disabled = !busy;
  }

  run() {
    if (this.root.dataset.state === "busy") return;
    if (python.owner) {
      this.status.textContent = "Another exercise of this page is still running.";
      return;
    }
    this.clear();
    this.state("busy");
    this.begun = performance.now();
    this.status.textContent = python.ready ? "Running…" : "Starting Python…";
    python.run(this, this.editor.value, this.checks);
  }

  /** Takes away what the last run has shown. */
  clear() {
    this.out.replaceChildren();
    this.out.hidden = true;
    this.text = null;
    this.items.forEach((item) => this.mark(item, null));
  }

  stage(text) {
    this.status.textContent = text;
  }

  stream(text) {
    if (!this.text) {
      this.text = make("pre");
      this.text.tabIndex = 0;
      this.text.setAttribute("role", "region");
      this.text.setAttribute("aria-label", "Printed output");
      this.out.append(this.text);
      this.out.hidden = false;
    }
    this.text.append(text);
  }

  svg(markup) {
    const picture = drawing(markup);
    if (!picture) return;
    this.out.append(picture);
    this.out.hidden = false;
    this.text = null;
  }

  finish({ ok, error, checks, dropped }) {
    if (dropped) this.stream(`\n… ${dropped.toLocaleString("en")} more characters were printed and are not shown.`);
    if (error) this.out.append(make("pre", "error", error));
    if (error) this.out.hidden = false;
    checks.forEach((check, k) => this.mark(this.items[k], check));
    const passed = checks.filter((check) => check.status === "pass").length;
    const verdict = error
      ? "Your code stopped with an error."
      : ok
        ? checks.length === 1
          ? "The check passes."
          : `All ${checks.length} checks pass.`
        : `${passed} of ${checks.length} checks pass.`;
    const seconds = (performance.now() - this.begun) / 1000;
    this.root.dataset.seconds = seconds.toFixed(3);
    this.note.hidden = true;
    const after = ok ? " A solution to compare with stands below." : "";
    this.status.textContent = `${verdict} (${seconds.toFixed(1)} s)${after}`;
    this.state(ok ? "passed" : "failed");
  }

  stopped(message) {
    this.status.textContent = message;
    this.state("stopped");
  }

  mark(item, check) {
    item.querySelectorAll(".pyexercise-mark, .pyexercise-message").forEach((old) => old.remove());
    item.dataset.status = check?.status ?? "";
    if (!check) return;
    item.firstElementChild.prepend(make("span", "pyexercise-mark", MARKS[check.status]), " ");
    if (!check.message) return;
    const message = make("div", "pyexercise-message");
    for (const part of check.message.split("\n\n")) {
      // Indented lines are columns of numbers that stand below one another; the rest is prose.
      const columns = /^ {2}/m.test(part);
      const text = columns || part.includes('File "') ? part : part.replace(/\n/g, " ");
      message.append(make("div", columns ? "columns" : "", text));
      if (columns) message.lastChild.tabIndex = 0;
    }
    item.append(message);
  }

  reset() {
    if (this.root.dataset.state === "busy") python.end("");
    this.clear();
    this.state("idle");
    for (const fold of this.work.querySelectorAll("details")) fold.open = false;
    this.editor.set(this.starter);
    store.set(this.storeKey, null);
    this.status.textContent = "The starter is back. Undo (Ctrl+Z) in the editor brings your text back.";
  }
}

for (const root of document.querySelectorAll(".pyexercise")) {
  if (root.querySelector("script[type='application/json']")) new Exercise(root);
}
