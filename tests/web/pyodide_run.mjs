// Run exercises in the page's own Python, in Node:
//   node pyodide_run.mjs RUNTIME_FOLDER < jobs.json > results.json
// jobs: [{source, checks: [[sentence, code], ...]}, ...]; each result has events and the outcome.
import { readFileSync, writeSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const folder = resolve(process.argv[2]);
const jobs = JSON.parse(readFileSync(0, "utf8"));
globalThis.require = createRequire(import.meta.url);
const { loadPyodide } = await import(pathToFileURL(resolve(folder, "pyodide.mjs")));
const archive = (name) => new Uint8Array(readFileSync(resolve(folder, name)));
const python = await loadPyodide({ indexURL: folder + "/", stdout: () => {}, stderr: () => {} });
python.unpackArchive(archive("numpy.zip").buffer, "zip", { extractDir: "/lib/python3.12/site-packages" });
for (const name of ["site.zip", "optedu.zip"]) python.FS.writeFile(`/lib/${name}`, archive(name));
const run = python.runPython(`
import sys
sys.path += ["/lib/site.zip", "/lib/optedu.zip"]
import json
from optedu.web.pyrun import run_exercise
lambda job, emit: json.dumps(run_exercise(json.loads(job)["source"], json.loads(job)["checks"], emit))
`);
const results = jobs.map((job) => {
  const events = [];
  const outcome = JSON.parse(run(JSON.stringify(job), (kind, text) => events.push([kind, text])));
  return { events, outcome };
});
const packages = JSON.parse(python.runPython(
  "import numpy, sympy; json.dumps({'numpy': numpy.__version__, 'sympy': sympy.__version__, 'modules': list(sys.modules)})",
));
let out = Buffer.from(JSON.stringify({ results, packages }));
while (out.length) out = out.subarray(writeSync(1, out));
