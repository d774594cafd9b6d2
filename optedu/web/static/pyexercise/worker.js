// Python in a module worker. It starts when the page asks and loads from the book's host alone.
import { loadPyodide } from "./runtime/pyodide.module.js";

const here = new URL("./runtime/", import.meta.url).href;
const tell = (kind, value) => postMessage({ kind, value });
let run;

async function file(name) {
  const response = await fetch(here + name);
  if (!response.ok) throw new Error(`${name}: ${response.status} ${response.statusText}`);
  return new Uint8Array(await response.arrayBuffer());
}

async function boot() {
  tell("stage", "Loading Python…");
  const manifest = await (await fetch(here + "manifest.json", { cache: "no-cache" })).json();
  // All downloads run side by side with the start of Python.
  const site = file(`site.zip?${manifest.siteHash}`);
  const wheel = file(`${manifest.wheel}?${manifest.wheelHash}`);
  const python = await loadPyodide({ indexURL: here, packages: ["numpy"], checkIntegrity: true });
  tell("stage", "Loading SymPy and optedu…");
  python.FS.writeFile("/lib/site.zip", await site);
  python.FS.writeFile("/lib/optedu.whl", await wheel);
  run = python.runPython(`
import sys
sys.path += ["/lib/site.zip", "/lib/optedu.whl"]
import json
import numpy, sympy
from optedu.web.pyrun import run_exercise

def run(source, checks, emit):
    return json.dumps(run_exercise(source, json.loads(checks), emit))
run`);
  tell("ready");
}

const booted = boot().catch((error) => tell("broken", String(error.message || error)));

onmessage = async ({ data }) => {
  await booted;
  if (!run) return;
  tell("running");
  try {
    const checks = data.checks.map((check) => [check.sentence, check.code]);
    tell("result", JSON.parse(run(data.source, JSON.stringify(checks), tell)));
  } catch (error) {
    // Python itself stopped, for instance on a recursion deeper than the browser's stack.
    tell("broken", String(error.message || error).split("\n")[0]);
  }
};
