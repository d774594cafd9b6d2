// Compile Python archives to zips of byte code, with the Python that will run them in the page:
//   node compile.mjs FOLDER_OF_PYODIDE OUT.zip KIND ARCHIVE... [-- OUT.zip KIND ARCHIVE...]
// KIND is `bare` (no docstrings) or `whole`. Byte code halves the time to the first result: the
// page would otherwise compile Python's library, NumPy and SymPy at every visit. Tests and parts
// that no chapter uses are left out; shared libraries are copied.
import { readFileSync, writeFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, ...rest] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(resolve(folder, "pyodide.mjs")));
const python = await loadPyodide({ indexURL: resolve(folder) + "/" });
const compile = python.runPython(`
import ast, pathlib, zipfile
from importlib._bootstrap_external import _code_to_hash_pyc

# SymPy's simplify and solve ask for the physical units.
PHYSICS = ("biomechanics", "continuum_mechanics", "control", "hep", "mechanics", "optics", "quantum", "vector")
LEFT_OUT = (
    *(f"sympy/physics/{part}/" for part in PHYSICS), "sympy/parsing/autolev/", "sympy/parsing/latex/", "sympy/parsing/c/",
    "sympy/parsing/fortran/", "numpy/f2py/", "numpy/_core/include/", "numpy/_core/lib/",
    "lib2to3/", "pydoc_data/", "ensurepip/",
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

def wanted(name):
    if name.startswith(LEFT_OUT) or name.endswith(("/", ".pyi", ".pxd", ".h", "/RECORD")):
        return False
    return "/tests/" not in name and "/benchmarks/" not in name

def converted(name, data, bare):
    if not name.endswith(".py"):
        return name, data
    tree = ast.parse(data)
    code = compile(without_docstrings(tree) if bare else tree, name, "exec", dont_inherit=True)
    return name + "c", _code_to_hash_pyc(code, bytes(8), checked=False)

def bundle(paths, bare):
    with zipfile.ZipFile("/out.zip", "w") as out:
        for path in paths:
            with zipfile.ZipFile(path) as source:
                for name in filter(wanted, sorted(source.namelist())):
                    name, data = converted(name, source.read(name), bare)
                    # A fixed date: the same input gives the same bytes.
                    info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
                    out.writestr(info, data, zipfile.ZIP_DEFLATED, 9)

bundle`);

while (rest.length) {
  const end = rest.includes("--") ? rest.indexOf("--") : rest.length;
  const [out, kind, ...archives] = rest.splice(0, end + 1).filter((word) => word !== "--");
  const paths = archives.map((archive) => {
    const inside = `/${basename(archive)}`;
    python.FS.writeFile(inside, new Uint8Array(readFileSync(archive)));
    return inside;
  });
  compile(python.toPy(paths), kind === "bare");
  writeFileSync(out, python.FS.readFile("/out.zip"));
}
