r"""The directive ``{generated}``: a table of the book made from the package at build time.

````
```{generated} zoo
```
````
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

from optedu.web import api, tables
from optedu.web.numbers import chapter_number

_LISTED = "optedu_assignments"


class Generated(SphinxDirective):
    r"""Insert the Markdown of one of the tables."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        pages = {PurePosixPath(name).name: name for name in self.env.found_docs}
        makers = {
            "assignments": self.assignments,
            "api": api.page,
            "contents": self.contents,
            "losses": self.losses,
            "syllabus": self.syllabus,
            "notation": tables.notation,
            "zoo-table": tables.zoo_table,
            "zoo": lambda: tables.zoo(pages),
            "frameworks": tables.frameworks,
        }
        name = self.arguments[0]
        if name not in makers:
            raise self.error(f"generated must be one of {', '.join(makers)}, got {name}")
        source = f"<generated {name}>"
        lines = makers[name]().splitlines()
        container = nodes.Element()
        self.state.nested_parse(
            StringList(lines, source=source), self.content_offset, container, match_titles=True
        )
        return container.children

    def assignments(self) -> str:
        """Return the assignments; this page is read again when one changes, comes or goes."""
        root, page = self._of_assignments()
        branch = self.config.html_theme_options.get("repository_branch", "main")
        return tables.assignments(root, page, branch)

    def _of_assignments(self) -> tuple[Path, str]:
        """Have this page read again; return the folder of the sources, and the page below it."""
        root = Path(self.env.srcdir)
        for path in tables.notebooks(root):
            self.env.note_dependency(str(path))
        self.env.metadata[self.env.docname][_LISTED] = _listed(root)
        return root, self.env.doc2path(self.env.docname, base=False)

    def contents(self) -> str:
        """Return the chapters of the plan; this page is read again when one of them changes."""
        return self._of_chapters(tables.contents)

    def syllabus(self) -> str:
        """Return the weeks of the course; read again when a chapter or an assignment changes."""
        _, page = self._of_assignments()
        return self._of_chapters(partial(tables.syllabus, page=page))

    def _of_chapters(self, table: Callable[..., str]) -> str:
        self.env.note_dependency(self.config.optedu_plan)
        pages = {n: page for page in self.env.found_docs if (n := chapter_number(page)) is not None}
        for page in pages.values():
            self.env.note_dependency(f"{page}.md")
        try:
            return table(self.config.optedu_planned, pages, Path(self.env.srcdir))
        except ValueError as error:
            raise self.error(f"generated {self.arguments[0]}: {error}") from error

    def losses(self) -> str:
        """Return what misconceptions cost; this page is read again when an assignment changes."""
        path = Path(self.env.srcdir, "book/instructor/losses.json")
        self.env.note_dependency(str(path))
        return tables.losses(path)


def _listed(root: Path) -> str:
    return " ".join(path.relative_to(root).as_posix() for path in tables.notebooks(root))


def _outdated(
    app: Any, env: Any, added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    """Pages whose table of assignments lacks one that has come: no file that they know changed."""
    now = _listed(Path(env.srcdir))
    return [name for name, about in env.metadata.items() if about.get(_LISTED, now) != now]


def setup(app: Any) -> None:
    app.connect("env-get-outdated", _outdated)
    app.add_directive("generated", Generated)
