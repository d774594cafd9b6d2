// Compile pure-Python wheels to one zip of byte code for the page's Python:
//   node compile.mjs FOLDER_OF_PYODIDE OUT.zip WHEEL...
// Byte code made by the same Python that will run it: importing SymPy in the page takes 0.6 s
// instead of 2.7 s. Tests, docstrings and parts that no chapter uses are left out.
import { readFileSync, writeFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, out, ...wheels] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(resolve(folder, "pyodide.mjs")));
const python = await loadPyodide({ indexURL: resolve(folder) + "/" });
python.FS.mkdir("/in");
for (const wheel of wheels) {
  python.FS.writeFile(`/in/${basename(wheel)}`, new Uint8Array(readFileSync(wheel)));
}
python.runPython(`
import ast, pathlib, zipfile
from importlib._bootstrap_external import _code_to_hash_pyc

LEFT_OUT = (
    "sympy/physics/", "sympy/parsing/autolev/", "sympy/parsing/latex/", "sympy/parsing/c/",
    "sympy/parsing/fortran/", "optedu/grading/", "optedu/web/static/",
)

def without_docstrings(tree):
    # An empty string, not nothing: some modules add to their __doc__.
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                if isinstance(first.value.value, str):
                    first.value.value = ""
    return tree

def add(out, name, data):
    info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    out.writestr(info, data, zipfile.ZIP_DEFLATED, 9)

with zipfile.ZipFile("/out.zip", "w") as out:
    for wheel in sorted(pathlib.Path("/in").glob("*.whl")):
        with zipfile.ZipFile(wheel) as source:
            for name in sorted(source.namelist()):
                if ".dist-info/" in name and name.rsplit("/")[-1].startswith(("LICENSE", "METADATA")):
                    add(out, name, source.read(name))
                if not name.endswith(".py") or name.startswith(LEFT_OUT):
                    continue
                if "/tests/" in name or "/benchmarks/" in name:
                    continue
                text = source.read(name)
                keep = name.startswith("optedu/")
                tree = ast.parse(text) if keep else without_docstrings(ast.parse(text))
                code = compile(tree, name, "exec", dont_inherit=True, optimize=0)
                add(out, name + "c", _code_to_hash_pyc(code, bytes(8), checked=False))
`);
writeFileSync(out, python.FS.readFile("/out.zip"));
