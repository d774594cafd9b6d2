// Runs the figures' own scripts for test_parity.py: `node figure_node.mjs FOLDER < jobs.json`.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const folder = pathToFileURL(process.argv[2] + "/");
const { normals, simulate, floorOf } = await import(new URL("engine.js", folder));
const printed = await import(new URL("printed.js", folder));
const { shrunk } = await import(new URL("box.js", folder));
const { expected, rateOf, scheduled } = await import(new URL("rates.js", folder));
const { memory, shares } = await import(new URL("memory.js", folder));

// JSON has no NaN; null reads as NaN on the other side.
const list = (a) => Array.from(a, (v) => (Number.isFinite(v) ? v : null));

/** A rule, also one with a schedule. */
const ruled = (name, steps) => printed.RULES[name] ?? scheduled(name, { s: { steps } });

const tasks = {
  normals: ({ seed, count }) => {
    const next = normals(seed);
    return Array.from({ length: count }, next);
  },
  run: ({ problem, rule, hyper, setup }) => {
    const r = simulate(printed.PROBLEMS[problem], ruled(rule, setup.steps), hyper, setup);
    const state = Object.fromEntries(Object.entries(r.state).map(([k, v]) => [k, list(v)]));
    return { x: list(r.x), f: list(r.f), last: r.last, diverged: r.diverged, state };
  },
  expected: ({ problem, rule, hyper, setup }) =>
    expected(printed.PROBLEMS[problem], { rule: ruled(rule, setup.steps), hyper, warmup: setup.warmup ?? 0 }, setup),
  rates: ({ rule, hyper, steps, warmup = 0 }) => {
    const run = { rule: ruled(rule, steps), hyper, warmup };
    return Array.from({ length: steps + 1 }, (_, k) => rateOf(run, k + 1));
  },
  values: ({ problem, points }) => points.map((x) => {
    const out = new Array(x.length).fill(0);
    printed.PROBLEMS[problem].grad(x, out, 1);
    return [printed.PROBLEMS[problem].f(x, 1), ...out];
  }),
  memory: ({ rule, hyper, grad, t }) => {
    const kept = memory(printed.RULES[rule], hyper);
    if (!kept) return null;
    const { share, half } = shares(kept, grad, t);
    return { ...kept, share: list(share), half };
  },
  shrunk: ({ problem, minimum, decay }) => shrunk(printed.PROBLEMS[problem], minimum, decay),
  eigen: ({ rule, lam, hyper }) => printed.EIGEN[rule](lam, hyper),
  call: ({ name, args }) => printed[name](...args),
  floor: ({ problem, rule, hyper, setup }) =>
    floorOf(printed.PROBLEMS[problem], simulate(printed.PROBLEMS[problem], printed.RULES[rule], hyper, setup)),
};

const jobs = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(jobs.map(({ task, ...job }) => tasks[task](job))));
