"""A small Sphinx site with one page of exercises, for the tests here and in tests/browser."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.web.exercises import ROOT, exercises_in

CONFIGURATION = """
extensions = ["myst_parser", "optedu.web.formulas", "optedu.web.pyexercise"]
myst_enable_extensions = ["dollarmath"]
html_theme = "sphinx_book_theme"
project = "exercises"
exclude_patterns = ["**/vendor", "**/build", "_site"]
html_context = {{"default_mode": "auto"}}
pyexercise_vendor = {vendor!r}
"""

PAGE = r"""
# Exercises

```{pyexercise} step
:title: One step of gradient descent

Write a step **against** the gradient.

%% starter
import numpy as np

def step(x, g, lr):
    raise NotImplementedError("return the new x")
%% hint
Which way does $f$ fall?
%% hint
Multiply the gradient by the **learning rate**.
%% solution
import numpy as np
from optedu.web.svgplot import line_plot

def step(x, g, lr):
    return x - lr * g

x, values = np.array([1.0, -2.0]), []
for t in range(40):
    values.append(x @ x)
    x = step(x, 2 * x, 0.1)
print("f ends at", values[-1])
line_plot({"f": values}, title="Descent", logy=True)
%% check: From 1, with gradient 2 and step 0.1, it goes to 0.8.
got = step(1.0, 2.0, 0.1)
assert abs(got - 0.8) < 1e-12, f"step(1.0, 2.0, 0.1) should be 0.8, yours is {got}"
%% check: It leaves its argument alone. </script><b>not markup</b>
x = np.ones(3)
step(x, np.ones(3), 0.5)
assert (x == 1).all(), "step changed the array that it was given"
```

```{pyexercise} other
:title: A second one

%% starter
y = 0
%% solution
y = 3
%% check: y is three.
assert y == 3, f"y is {y}"
```
"""
STEP, OTHER = exercises_in(PAGE)


def build(
    folder: Path,
    *,
    page: str = PAGE,
    vendor: Path = ROOT / "vendor",
    path: str | None = None,
    builder: str = "html",
) -> tuple[Path, str]:
    """Build the site into ``folder/_site``; return that and what Sphinx printed.

    ``path`` replaces the search path for tools.
    """
    (folder / "conf.py").write_text(CONFIGURATION.format(vendor=str(vendor)))
    (folder / "index.md").write_text(page)
    command = [sys.executable, "-m", "sphinx", "-W", "-b", builder, str(folder)]
    environment = dict(os.environ) | ({} if path is None else {"PATH": path})
    done = subprocess.run(
        [*command, str(folder / "_site")], capture_output=True, text=True, env=environment
    )
    if done.returncode:
        raise RuntimeError(done.stdout[-1000:] + done.stderr[-2000:])
    return folder / "_site", done.stdout
