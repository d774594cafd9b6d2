r"""The directive ``{generated}``: a table of the book made from the package at build time.

````
```{generated} zoo
```
````
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

from optedu.course import api, tables


class Generated(SphinxDirective):
    r"""Insert the Markdown of one of the tables."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        pages = {PurePosixPath(name).name: name for name in self.env.found_docs}
        theme = self.config.html_theme_options
        makers = {
            "assignments": lambda: tables.assignments(
                Path(self.env.srcdir), theme["repository_url"], theme["repository_branch"]
            ),
            "api": api.page,
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


def setup(app: Any) -> None:
    app.add_directive("generated", Generated)
