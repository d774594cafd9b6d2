r"""The notebooks that are published beside the pages, for Colab and for the download button.

MyST-NB writes them as the pages' sources are, with roles and directives that no notebook knows.
When the book is built they are written again: numbers from the executed page, words for roles,
links to the page for what lives there alone, and a first cell that installs the package.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import yaml
from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.errors import ExtensionError

from optedu.course.first_cell import first_cell
from optedu.web.plain import EXPLICIT, Page, cells
from optedu.web.references import author_year

# The roles that point somewhere, with the domain that knows where.
DOMAINS = {"ref": "std", "numref": "std", "doc": "std", "term": "std", "prf:ref": "prf"}


def glued(path: Path) -> dict[str, str]:
    """Return the printed form of what a page's cells have glued, from MyST-NB's record of it."""
    if not path.is_file():
        return {}
    data = json.loads(path.read_text(encoding="utf-8"))
    plain = {name: output["data"].get("text/plain") for name, output in data.items()}
    return {name: text for name, text in plain.items() if text is not None}


def shown(text: str, form: str = "") -> str:
    r"""Return a glued value as the page shows it.

    Examples
    --------
    >>> shown("'three'"), shown("np.float64(0.125)", ".1f")
    ('three', '0.1')
    """
    inner = re.fullmatch(r"np\.\w+\((.*)\)", text)
    text = inner[1] if inner else text
    if form:
        return format(ast.literal_eval(text), form)
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text


class Book:
    """Resolves roles of one page as Sphinx has resolved them for the built page."""

    def __init__(self, app: Any, docname: str, values: Mapping[str, str]) -> None:
        self.app, self.docname, self.values = app, docname, values
        self.root = app.config.html_baseurl

    def address(self, docname: str) -> str:
        """Return where a page is published; nothing where the book has no address."""
        return self.root and urljoin(self.root, self.app.builder.get_target_uri(docname))

    def resolve(self, role: str, text: str) -> str:
        """Return the plain text of a role, with a link where it points somewhere."""
        if role == "glue:text":
            name, _, form = text.partition(":")
            if name not in self.values:
                raise ValueError(f"{{glue:text}}`{text}`: no cell has glued {name!r}")
            return shown(self.values[name], form)
        explicit = EXPLICIT.match(text)
        words, target = explicit.groups() if explicit else (text, text)
        if role.startswith("cite"):
            return self.citation(role, target)
        if role == "download":
            return words
        if role == "kbd":
            return words
        if role not in DOMAINS:
            raise ValueError(f"the role {{{role}}} has no form in a notebook, give it one here")
        return self.link(role, words, target, explicit=bool(explicit))

    def link(self, role: str, words: str, target: str, *, explicit: bool) -> str:
        """Return the link that Sphinx makes of a cross-reference."""
        kind = role.rpartition(":")[2]
        domain = self.app.env.get_domain(DOMAINS[role])
        node = pending_xref(
            refdomain=domain.name,
            reftype=kind,
            reftarget=target,
            refexplicit=explicit,
            refdoc=self.docname,
            refwarn=False,
            **{"std:program": None},
        )
        if kind in ("ref", "numref"):
            target = target.lower()
        content = nodes.inline(words, words)
        found = domain.resolve_xref(
            self.app.env, self.docname, self.app.builder, kind, target, node, content
        )
        if found is None:
            raise ValueError(f"{{{role}}}`{target}` points nowhere")
        if not self.root:
            return found.astext()
        place = found.get("refuri") or f"#{found['refid']}"
        return f"[{found.astext()}]({urljoin(self.address(self.docname), place)})"

    def citation(self, role: str, keys: str) -> str:
        """Return author and year, linked to the list of references."""
        domain = self.app.env.get_domain("cite")
        links = []
        for key in (part.strip() for part in keys.split(",")):
            label = author_year(domain.bibdata.data.entries[key])
            if role == "cite:t":
                who, _, year = label.rpartition(", ")
                label = f"{who} ({year})"
            place = next(c for c in domain.citations if c.key == key)
            where = self.address(place.bibliography_key.docname)
            links.append(f"[{label}]({where}#{place.citation_id})" if where else label)
        return ", ".join(links) if role == "cite:t" else f"({'; '.join(links)})"

    def proof(self, name: str) -> str:
        """Return the text of a proof that stands in a file."""
        path = self.app.env.relfn2path(name, self.docname)[1]
        return Path(path).read_text(encoding="utf-8")


def caption(name: str, body: str) -> str:
    """Return the caption of a moving figure."""
    from optedu.web.figure.configuration import merged
    from optedu.web.figures import default_caption

    options = merged(name or None, yaml.safe_load(body) or {})
    return options.get("caption") or default_caption(options)


def install_cell(root: Path) -> Any:
    """Return the cell that installs the package where a notebook is opened without one."""
    import nbformat

    cell = nbformat.v4.new_code_cell(
        first_cell(root), metadata={"jupyter": {"source_hidden": True}}
    )
    cell["id"] = "install"
    return cell


def plain_cells(notebook: Any, page: Page) -> list[Any]:
    """Return the cells of a notebook with plain Markdown, and the exercises at its end.

    A starter runs in a namespace of its own on the page. Here it would give its values to the names
    that the next cells use, so it comes after all of them.
    """
    import nbformat

    new, exercises = [], []
    for cell in notebook.cells:
        if cell.cell_type != "markdown":
            new.append(cell)
            continue
        for block in cells(cell.source, page):
            if block.kind == "starter":
                exercises.append(nbformat.v4.new_code_cell(block.text))
            else:
                place = exercises if block.kind == "task" else new
                place.append(nbformat.v4.new_markdown_cell(block.text))
    if exercises:
        new += [nbformat.v4.new_markdown_cell("## The exercises of this page"), *exercises]
    # Builds of one book are the same to the byte: no random ids.
    for number, cell in enumerate(new):
        cell["id"] = f"cell-{number}"
    return new


def publish(app: Any, exception: Exception | None) -> None:
    """Write each notebook again that Sphinx has written in this build."""
    if exception is not None or app.builder.format != "html":
        return
    import nbformat

    from optedu.web.formulas import macros

    sources = Path(app.outdir) / "_sources"
    for path in sorted(sources.rglob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        if any(cell.get("id") == "install" for cell in notebook.cells):
            continue
        docname = path.relative_to(sources).with_suffix("").as_posix()
        executed = Path(app.outdir).parent / "jupyter_execute" / f"{docname}.glue.json"
        book = Book(app, docname, glued(executed))
        page = Page(book.address(docname), book.resolve, macros(), caption, book.proof)
        try:
            plain = plain_cells(notebook, page)
        except ValueError as error:
            raise ExtensionError(f"{app.env.doc2path(docname)}: its notebook: {error}") from error
        notebook.cells = [install_cell(Path(app.confdir)), *plain]
        notebook.nbformat_minor = max(notebook.nbformat_minor, 5)
        nbformat.write(notebook, path)


def setup(app: Any) -> None:
    app.connect("build-finished", publish)
