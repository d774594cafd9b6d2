// Python in a module worker. It starts when the page asks and loads from the book's host alone.
import { loadPyodide } from "./runtime/pyodide.module.js";

const here = new URL("./runtime/", import.meta.url).href;
const tell = (kind, value) => postMessage({ kind, value });
let run;

async function boot() {
  tell("stage", "Loading Python…");
  const answer = await fetch(here + "manifest.json", { cache: "no-cache" });
  const hashes = await answer.json();
  const archive = async (name) => {
    const response = await fetch(`${here}${name}?${hashes[name]}`);
    if (!response.ok) throw new Error(`${name}: ${response.status} ${response.statusText}`);
    return new Uint8Array(await response.arrayBuffer());
  };
  // The downloads run while Python starts.
  const [numpy, site, optedu] = ["numpy.zip", "site.zip", "optedu.zip"].map(archive);
  const stdLibURL = `${here}python_stdlib.zip?${hashes["python_stdlib.zip"]}`;
  const python = await loadPyodide({ indexURL: here, stdLibURL });
  tell("stage", "Loading NumPy, SymPy and optedu…");
  // NumPy has shared libraries, which Python cannot load from inside a zip.
  python.unpackArchive((await numpy).buffer, "zip", { extractDir: "/lib/python3.12/site-packages" });
  python.FS.writeFile("/lib/site.zip", await site);
  python.FS.writeFile("/lib/optedu.zip", await optedu);
  run = python.runPython(`
import sys
sys.path += ["/lib/site.zip", "/lib/optedu.zip"]
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
