// <opt-figure>: an interactive figure of optimizers at work. Its configuration is the JSON inside
// the element (made by the {optfigure} directive); the rules and problems come from printed.js.
import { fmt, rgb } from "./draw.js";
import { quantity, simulate, tidy, toPosition, toValue } from "./engine.js";
import { PROBLEMS, RULES } from "./printed.js";
import { VIEWS } from "./views.js";

const DASHES = [[], [7, 3], [2, 3], [9, 3, 2, 3], [4, 4], [12, 4], [1, 2], [6, 2, 1, 2]];
const SPEEDS = [10, 30, 100, 300, 1000, 3000, 10000];
const RUN_LIMIT = 8;

/** Views that share a script; any other that is not in views.js has one of its own name. */
const SHARED = { arrows: "compass", expected: "rates" };

/** The sliders that belong to the figure and not to a rule. */
const COMMON = {
  steps: { symbol: "T", meaning: "steps", lo: 10, hi: 10000, scale: "log", whole: true },
  noise: { symbol: "σ", meaning: "gradient noise", lo: 0, hi: 10, scale: "zerolog" },
  batch: { symbol: "B", meaning: "batch size", lo: 1, hi: 1024, scale: "log", whole: true, binary: true },
  seed: { symbol: "", meaning: "seed of the noise", lo: 0, hi: 99, scale: "int" },
  warmup: { symbol: "W", meaning: "warm-up steps", lo: 0, hi: 200, scale: "int" },
};

const h = (tag, attrs = {}, ...children) => {
  const el = document.createElement(tag);
  for (const [k, v] of Object.entries(attrs)) {
    if (k.startsWith("on")) el.addEventListener(k.slice(2), v);
    else if (v === true) el.setAttribute(k, "");
    else if (v !== false && v !== undefined) el.setAttribute(k, v);
  }
  el.append(...children.filter((c) => c !== null && c !== undefined));
  return el;
};

const ICONS = {
  play: "M5 3l9 5-9 5z", pause: "M4 3h3v10H4zM9 3h3v10H9z", step: "M3 3l7 5-7 5zM11 3h2v10h-2z",
  reset: "M8 3a5 5 0 1 1-4.6 3H1l3.2-4L7.4 6H5a3.4 3.4 0 1 0 3-1.4z",
};
const icon = (name) => {
  const el = h("span", { "aria-hidden": "true" });
  el.innerHTML = `<svg viewBox="0 0 16 16"><path d="${ICONS[name]}"/></svg>`;
  return el;
};

let serial = 0;

class OptFigure extends HTMLElement {
  /** Waits until the reader comes near, or has followed a link to a state of this figure. */
  connectedCallback() {
    if (this.near) return;
    const linked = () => location.hash.startsWith(`#${this.id}=`);
    const start = () => {
      this.near.disconnect();
      if (!this.config) this.start();
    };
    this.near = new IntersectionObserver((seen) => seen.some((e) => e.isIntersecting) && start(), {
      rootMargin: "400px",
    });
    this.near.observe(this);
    window.addEventListener("hashchange", () => {
      if (this.views && this.restore()) this.rebuild();
      else if (linked()) start();
    });
    if (!linked()) return;
    start();
    this.scrollIntoView({ block: "center" });
  }

  async start() {
    const source = this.querySelector('script[type="application/json"]');
    this.config = JSON.parse(source.textContent);
    for (const { views, scheduled } of [this.config, ...Object.values(this.config.presets ?? {})]) {
      for (const { type } of views) {
        // The class has the name of the view: `cloud` is shown by `Cloud`.
        VIEWS[type] ??= (await import(`./${SHARED[type] ?? type}.js`))[type[0].toUpperCase() + type.slice(1)];
      }
      if (scheduled) this.schedules = await import("./rates.js");
    }
    this.uid = this.id || "figure" + ++serial;
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    this.body = h("div", { class: "of", role: "group", "aria-label": this.config.label });
    this.load(this.config);
    const restored = this.restore();
    this.build();
    source.remove();
    this.replaceChildren(this.body);
    this.palette();
    this.simulate();
    this.layout();
    new ResizeObserver(() => this.layout()).observe(this);
    new MutationObserver(() => {
      this.palette();
      this.refresh();
    }).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    this.classList.add("of-ready");
    if (this.config.autoplay && !restored && !this.still.matches) this.toggle();
  }

  // -- state ---------------------------------------------------------------------------------

  /** Takes a configuration (the figure's own, or a preset's) as the state. */
  load(config) {
    this.shown = config;
    this.s = {
      preset: config.preset, problem: config.problem, start: [...config.start],
      steps: config.steps, noise: config.noise, batch: config.batch, seed: config.seed,
      t: config.t ?? config.steps, speed: config.speed ?? Math.max(10, config.steps / 6),
    };
    this.runs = config.runs.map((r) => this.run(r.rule, { ...r.hyper, ...r.shape }, r.warmup, r.label));
  }

  run(name, hyper = {}, warmup = 0, label = undefined) {
    const rule = RULES[name] ?? this.schedules.scheduled(name, this);
    const defaults = Object.fromEntries(rule.hypers.map((k) => [k.name, k.default]));
    const text = label ?? rule.title;
    // `warms` keeps a shared warm-up slider on this run when it passes through zero.
    return {
      rule, hyper: { ...defaults, ...hyper }, warmup, warms: warmup > 0, label: text,
      short: text.split(" (")[0],
    };
  }

  get problem() {
    return PROBLEMS[this.s.problem];
  }

  setup(run, over) {
    const { start, steps, noise, batch, seed } = this.s;
    return { start, steps, noise, batch, seed, warmup: run.warmup, ...over };
  }

  /** Changes the state and recomputes. `hyper` goes to every run that has it, or to `only`. */
  set({ hyper, only, warmup, ...rest }) {
    Object.assign(this.s, rest);
    for (const run of only ? [only] : this.runs) {
      for (const k in hyper) if (k in run.hyper) run.hyper[k] = hyper[k];
      if (warmup !== undefined && (only || run.warms)) run.warmup = warmup;
    }
    if (rest.problem) this.s.start = [...this.problem.start];
    if (rest.steps && !("t" in rest)) this.s.t = this.s.steps;
    this.s.t = Math.min(this.s.t, this.s.steps);
    if (!this.pending) {
      this.pending = requestAnimationFrame(() => {
        this.pending = 0;
        this.simulate();
        this.refresh();
      });
    }
  }

  simulate() {
    const c = this.colours;
    this.runs.forEach((run, i) => {
      run.colour = c.runs[i % c.runs.length];
      run.dash = DASHES[i % DASHES.length];
      const key = JSON.stringify([this.s.problem, run.rule.name, run.hyper, this.setup(run)]);
      if (key === run.key) return; // another one has been moved
      run.key = key;
      run.result = simulate(this.problem, run.rule, run.hyper, this.setup(run));
    });
  }

  /** Colours from the style sheet, so that light and dark are decided in one place. */
  palette() {
    const css = getComputedStyle(this.body);
    const get = (name) => css.getPropertyValue("--of-" + name).trim();
    this.colours = {
      text: get("text"), soft: get("soft"), grid: get("grid"), paper: get("paper"),
      low: rgb(get("low")), high: rgb(get("high")), line: rgb(get("line")),
      heat: ["heat1", "heat2", "heat3"].map((k) => rgb(get(k))), bad: rgb(get("bad")),
      runs: [1, 2, 3, 4, 5, 6, 7, 8].map((k) => get("run" + k)),
      font: `12px ${css.fontFamily}`,
    };
    this.runs.forEach((run, i) => (run.colour = this.colours.runs[i]));
  }

  // -- link and export -----------------------------------------------------------------------

  /** The state as an object that fits in a link: only what differs from the defaults. */
  save() {
    const { preset, problem, start, steps, noise, batch, seed, t } = this.s;
    const runs = this.runs.map((r) => {
      const hyper = {};
      for (const k of r.rule.hypers) if (r.hyper[k.name] !== k.default) hyper[k.name] = r.hyper[k.name];
      return [r.rule.name, hyper, r.warmup, r.label];
    });
    return { preset, problem, start, steps, noise, batch, seed, t, runs };
  }

  link() {
    const url = new URL(location.href);
    url.hash = this.uid + "=" + encodeURIComponent(JSON.stringify(this.save()));
    return url.href;
  }

  /** Takes the state from the address, if it holds one for this figure and it is sound. */
  restore() {
    const [key, text] = location.hash.slice(1).split("=");
    if (key !== this.uid || !text) return false;
    try {
      const saved = JSON.parse(decodeURIComponent(text));
      const preset = this.config.presets?.[saved.preset];
      if (preset) this.load(preset);
      const problem = PROBLEMS[saved.problem];
      const number = (v, lo, hi) => (Number.isFinite(v) ? Math.min(hi, Math.max(lo, v)) : lo);
      const runs = saved.runs.slice(0, RUN_LIMIT).map(([name, hyper, warmup, label]) => {
        const run = this.run(name, {}, number(warmup, 0, 1e4), label && String(label).slice(0, 60));
        for (const k of run.rule.hypers) {
          if (k.name in hyper) run.hyper[k.name] = number(hyper[k.name], k.min, k.max ?? 1e9);
        }
        return run;
      });
      if (!runs.length) return false;
      const steps = Math.round(number(saved.steps, 1, COMMON.steps.hi));
      Object.assign(this.s, {
        problem: saved.problem, steps, t: Math.round(number(saved.t, 0, steps)),
        start: Array.from({ length: problem.dim }, (_, i) => number(saved.start[i], -1e6, 1e6)),
        noise: number(saved.noise, 0, COMMON.noise.hi), seed: Math.round(number(saved.seed, 0, 1e9)),
        batch: Math.round(number(saved.batch, 1, COMMON.batch.hi)),
      });
      this.runs = runs;
      return true;
    } catch {
      return false; // a link that somebody has cut: the figure stands as its page has it
    }
  }

  async share() {
    const href = this.link();
    history.replaceState(null, "", href);
    try {
      await navigator.clipboard.writeText(href);
      this.say("Link copied.");
    } catch {
      this.say("The link is in the address bar.");
    }
  }

  async export() {
    const { picture } = await import("./png.js");
    picture(this).toBlob((blob) => {
      const a = h("a", { href: URL.createObjectURL(blob), download: this.uid + ".png" });
      a.click();
      setTimeout(() => URL.revokeObjectURL(a.href), 1000);
      this.say("Image saved.");
    });
  }

  // -- the page ------------------------------------------------------------------------------

  build() {
    const { shown, config } = this;
    const free = config.free;
    this.sliders = [];
    this.views = shown.views.map((spec) => new VIEWS[spec.type](this, spec));
    this.status = h("p", { class: "of-status", role: "status", "aria-live": "polite" });
    this.live = h("p", { class: "of-live", "aria-live": "polite" });
    this.legend = h("ul", { class: "of-legend" });
    const choice = (label, current, options, act) => {
      const id = `${this.uid}-choice-${++serial}`;
      return h("div", { class: "of-choice" }, h("label", { for: id }, label),
        h("select", { id, onchange: (e) => act(e.target.value) },
          ...options.map(([v, text]) => h("option", { value: v, selected: String(v) === String(current) }, text))));
    };
    const head = h("div", { class: "of-head" });
    if (config.presets) {
      head.append(choice("Show", this.s.preset,
        Object.entries(config.presets).map(([k, p]) => [k, p.title]), (k) => {
          this.load(config.presets[k]);
          this.rebuild();
        }));
    }
    // Of many coordinates a plane shows none.
    const seen = (k) => PROBLEMS[k].dim < 3 || k === this.s.problem;
    const problems = free ? Object.keys(PROBLEMS).filter(seen) : shown.problems;
    if (problems?.length > 1) {
      head.append(choice("Problem", this.s.problem,
        problems.map((k) => [k, PROBLEMS[k].title]), (k) => this.set({ problem: k })));
    }
    const button = (label, act, ...inside) =>
      h("button", { type: "button", onclick: act, "aria-label": label, title: label, class: "of-button" }, ...inside);
    this.playButton = button("Play", () => this.toggle(), icon("play"));
    this.scrub = h("input", {
      type: "range", min: 0, max: this.s.steps, step: 1, class: "of-scrub", "aria-label": "Step shown",
      oninput: (e) => {
        this.pause();
        this.s.t = Number(e.target.value);
        this.draw();
      },
    });
    this.count = h("output", { class: "of-count" });
    const bar = h("div", { class: "of-bar" },
      button("Back to the start", () => this.rewind(), icon("reset")),
      this.playButton,
      button("One step", () => this.advance(1), icon("step")),
      this.scrub, this.count,
      free ? choice("Steps a second", SPEEDS.find((v) => v >= this.s.speed) ?? 10000,
        SPEEDS.map((v) => [v, fmt(v, 5)]), (v) => (this.s.speed = Number(v))) : null);
    const shared = h("div", { class: "of-sliders" }, ...shown.controls.flatMap((name) => {
      const having = this.runs.filter((r) => name in r.hyper);
      const differ = having.some((r) => r.hyper[name] !== having[0].hyper[name]);
      // One slider moves all, where they start alike; the cards of free play have one for each.
      if (!differ) return [this.slider(name, null)];
      return free ? [] : having.map((r) => this.slider(name, r));
    }));
    const link = (label, act) => h("button", { type: "button", class: "of-link", onclick: act }, label);
    head.append(h("div", { class: "of-tools" },
      link("Copy link", () => this.share()), link("Save PNG", () => this.export()),
      link("Restore", () => {
        this.load(config.presets?.[this.s.preset] ?? config);
        history.replaceState(null, "", location.pathname + location.search);
        this.rebuild();
      })));
    this.cards = free ? h("div", { class: "of-cards" }) : null;
    const text = free && shown.text ? h("p", { class: "of-lead" }, shown.text) : null;
    this.body.replaceChildren(head, ...(text ? [text] : []),
      h("div", { class: "of-views" }, ...this.views.map((v) => v.el)), bar, this.legend, shared,
      ...(free ? [this.common(), this.cards, this.adder()] : []), this.status, this.live);
    if (!shared.childElementCount) shared.remove();
    this.deck();
  }

  /** Sliders of the figure that the preset does not show already. */
  common() {
    const names = ["steps", "noise", "batch", "seed"].filter((n) => !this.shown.controls.includes(n));
    return h("div", { class: "of-sliders" }, ...names.map((n) => this.slider(n, null)));
  }

  adder() {
    const select = h("select", { "aria-label": "Optimizer to add" },
      ...Object.values(RULES).map((r) => h("option", { value: r.name }, r.title)));
    return h("div", { class: "of-adder" }, select, h("button", {
      type: "button", class: "of-text",
      onclick: () => {
        if (this.runs.length >= RUN_LIMIT) return this.say(`${RUN_LIMIT} optimizers at most.`);
        const last = this.runs[this.runs.length - 1];
        const run = this.run(select.value, last ? { lr: last.hyper.lr } : {});
        this.runs.push(run);
        this.deck();
        this.set({});
      },
    }, "Add optimizer"));
  }

  /** One card for each run, with all its hyper-parameters. */
  deck() {
    if (!this.cards) return;
    this.sliders = this.sliders.filter((s) => !s.run);
    this.cards.replaceChildren(...this.runs.map((run) => {
      const swatch = h("span", { class: "of-swatch", "aria-hidden": "true" });
      const remove = h("button", {
        type: "button", class: "of-close", "aria-label": `Remove ${run.label}`,
        onclick: () => {
          if (this.runs.length < 2) return this.say("One optimizer stays.");
          this.runs.splice(this.runs.indexOf(run), 1);
          this.deck();
          this.set({});
        },
      }, "×");
      const fine = run.rule.hypers.filter((k) => k.minor && k.name !== "warmup");
      const card = h("div", { class: "of-card", role: "group", "aria-label": run.label },
        h("div", { class: "of-title" }, swatch, h("b", {}, run.short), remove),
        ...run.rule.hypers.filter((k) => !k.minor).map((k) => this.slider(k.name, run)),
        h("details", {}, h("summary", {}, "More"),
          ...fine.map((k) => this.slider(k.name, run)), this.slider("warmup", run),
          this.schedules?.chooser(this, run)));
      run.swatch = swatch;
      return card;
    }));
  }

  rebuild() {
    this.pause();
    this.build();
    this.simulate();
    this.width = 0;
    this.layout();
  }

  /** A labelled slider: of a hyper of one run (`run`), of all runs that have it, or of COMMON. */
  slider(name, run) {
    const own = run ?? this.runs.find((r) => name in r.hyper || (name === "warmup" && r.warms)) ?? this.runs[0];
    const rule = own.rule.hypers.find((k) => k.name === name);
    const range = { ...(rule ?? COMMON[name]), ...(this.shown.ranges?.[name] ?? {}) };
    // So coarse that a press of an arrow key always reaches another value, after rounding too.
    const N = range.binary ? 10 : range.whole ? 60 : { log: 200, complement: 160, zerolog: 50 }[range.scale] ?? range.hi - range.lo;
    const read = () => (rule ? own.hyper[name] : name === "warmup" ? own.warmup : this.s[name]);
    const id = `${this.uid}-${name}-${++serial}`;
    const output = h("output", { for: id });
    const input = h("input", {
      id, type: "range", min: 0, max: N, step: 1, "data-name": name,
      oninput: () => {
        let v = tidy(range, toValue(range, input.value / N));
        if (range.whole) v = Math.round(v);
        if (range.binary) v = 2 ** Math.round(Math.log2(v));
        if (rule) v = Math.min(rule.max ?? 1e9, Math.max(rule.min, v));
        if (rule) this.set({ hyper: { [name]: v }, only: run });
        else if (name === "warmup") this.set({ warmup: v, only: run });
        else this.set({ [name]: v });
      },
    });
    const entry = {
      run,
      sync: () => {
        const v = read();
        output.textContent = fmt(v, range.whole ? 5 : 3);
        input.setAttribute("aria-valuetext", `${range.meaning} ${fmt(v)}`);
        const u = toPosition(range, v);
        if (Math.abs(input.value / N - u) > 0.6 / N) input.value = Math.round(u * N);
        input.style.setProperty("--u", u);
      },
    };
    this.sliders.push(entry);
    const marks = (this.shown.marks ?? []).filter((m) => !run && m.hyper === name).map((m) =>
      h("span", { class: "of-mark", style: `--at:${toPosition(range, m.at)}` }, m.label));
    return h("div", { class: "of-slider" },
      h("label", { for: id }, h("span", { class: "of-meaning" }, run && !this.config.free ? `${run.short}: ` : "", range.meaning),
        h("i", {}, range.symbol)), output,
      h("div", { class: "of-track" }, input, ...marks));
  }

  // -- drawing -------------------------------------------------------------------------------

  layout() {
    const width = Math.floor(this.body.getBoundingClientRect().width);
    if (!width || width === this.width) return;
    this.width = width;
    const n = this.views.length;
    const columns = width < 560 || n === 1 ? 1 : n % 3 || width < 1000 ? 2 : 3;
    const gap = 20;
    const w = Math.floor((width - gap * (columns - 1)) / columns);
    const tall = Math.round(Math.min(460, Math.max(230, w * (n === 1 ? 0.55 : 0.82))));
    this.views.forEach((v, i) => {
      // The odd one out takes the whole of the last row.
      const wide = columns === 2 && n % 2 && i === n - 1;
      v.el.classList.toggle("of-wide", wide);
      v.resize(wide ? width : w, wide ? Math.round(tall * 0.72) : tall);
    });
    this.body.style.setProperty("--of-columns", columns);
    this.refresh(false);
  }

  /** After a change of state: views, sliders, legend, and the frame. */
  refresh(update = true) {
    if (update) for (const v of this.views) v.update();
    for (const s of this.sliders) s.sync();
    this.scrub.max = this.s.steps;
    this.runs.forEach((run) => run.swatch?.style.setProperty("background", run.colour));
    this.draw();
    if (update) this.tell();
  }

  /** Says the outcome to a screen reader, once the reader has stopped moving things. */
  tell() {
    clearTimeout(this.later);
    this.later = setTimeout(() => {
      const ends = [...this.legend.children].map((li) => li.textContent).join("; ");
      // Nobody listens to a hundred coordinates.
      const start = this.problem.dim > 2 ? "" : `Start ${this.s.start.map((v) => fmt(v)).join(", ")}. `;
      this.live.textContent = `${start}${ends}.`;
    }, 700);
  }

  draw() {
    for (const v of this.views) v.draw();
    const { t, steps } = this.s;
    this.scrub.value = t;
    this.scrub.style.setProperty("--u", t / steps);
    this.scrub.setAttribute("aria-valuetext", `step ${t} of ${steps}`);
    this.count.textContent = `${t} / ${steps}`;
    this.legend.replaceChildren(...this.runs.map((run) => {
      const { result } = run;
      const gone = result.diverged && t >= result.diverged;
      return h("li", {},
        this.swatch(run),
        h("b", {}, run.label), " ",
        h("span", { class: "of-value" }, gone ? `diverged at step ${result.diverged}` : this.reached(result)));
    }));
  }

  /** What a run has come to: its loss, or what the figure charts where no minimum is known. */
  reached(result) {
    const { t } = this.s;
    const { minimum } = this.problem;
    if (minimum === undefined) {
      const [charted] = this.views.map((v) => v.spec.y).find(Array.isArray) ?? ["f"];
      const { label, from, at } = quantity(charted === "loss" ? "f" : charted);
      return `${label} = ${fmt(at(result, Math.max(from, Math.min(t, result.last)), this.problem))}`;
    }
    const f = (result.expected ?? result.f)[Math.min(t, result.last)];
    return `${result.expected ? "expected " : ""}loss ${fmt(f - minimum)}${minimum ? " above the minimum" : ""}`;
  }

  /** A piece of the run's line: its colour and its dashes. */
  swatch({ colour, dash }) {
    const a = dash[0] ?? 9;
    const b = dash[1] ?? 0;
    return h("span", {
      class: "of-swatch", "aria-hidden": "true",
      style: `background:repeating-linear-gradient(90deg,${colour} 0 ${a}px,transparent 0 ${a + b}px)`,
    });
  }

  say(text) {
    this.status.textContent = text;
    clearTimeout(this.hush);
    this.hush = setTimeout(() => (this.status.textContent = ""), 4000);
  }

  // -- transport -----------------------------------------------------------------------------

  advance(k) {
    this.pause();
    this.s.t = Math.min(this.s.steps, this.s.t + k);
    this.draw();
  }

  rewind() {
    this.pause();
    this.s.t = 0;
    this.draw();
  }

  toggle() {
    if (this.timer) return this.pause();
    if (this.s.t >= this.s.steps) this.s.t = 0;
    if (this.still.matches) {
      // The reader asked for no motion: show where it ends.
      this.s.t = this.s.steps;
      return this.draw();
    }
    this.playing(true);
    // The clock of frames: it may lag behind that of the click.
    let from;
    let t = this.s.t;
    const frame = (now) => {
      from ??= now;
      t += ((now - from) / 1000) * this.s.speed;
      from = now;
      this.s.t = Math.min(this.s.steps, Math.floor(t));
      this.draw();
      if (this.s.t >= this.s.steps) this.pause();
      else this.timer = requestAnimationFrame(frame);
    };
    this.timer = requestAnimationFrame(frame);
  }

  pause() {
    cancelAnimationFrame(this.timer);
    this.timer = 0;
    this.playing(false);
  }

  playing(on) {
    const label = on ? "Pause" : "Play";
    this.playButton.replaceChildren(icon(on ? "pause" : "play"));
    this.playButton.setAttribute("aria-label", label);
    this.playButton.title = label;
  }
}

customElements.define("opt-figure", OptFigure);
