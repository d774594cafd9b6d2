r"""Numbers of chapters, from the names of their files: ``book/part3/ch09_adam`` is chapter 9.

Sphinx counts the chapters that are there, so a number would change whenever one joins. Here title,
menu, theorems, figures, exercises and equations take theirs from the name. Pages that are no
chapters have no number, and neither have their figures.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Any

from docutils import nodes
from sphinx.environment.collectors.toctree import TocTreeCollector
from sphinx.util import logging

CHAPTER = re.compile(r"ch(\d+)_")

logger = logging.getLogger(__name__)


def chapter_number(docname: str) -> int | None:
    """Return the number of a chapter, None for another page.

    Examples
    --------
    >>> chapter_number("book/part3/ch09_adam")
    9
    >>> chapter_number("book/appendix/notation") is None
    True
    """
    found = CHAPTER.match(PurePosixPath(docname).name)
    return int(found[1]) if found else None


class ChapterNumbers(TocTreeCollector):
    """Sphinx's collector of tables of contents, with chapters numbered by their files."""

    def assign_section_numbers(self, env: Any) -> list[str]:
        """Number each chapter's title; return the chapters whose number changed."""
        before, env.toc_secnumbers = env.toc_secnumbers, {}
        chapters: dict[int, str] = {}
        for docname in sorted(env.tocs):
            number = chapter_number(docname)
            if number is None:
                continue
            if number in chapters:
                logger.warning(
                    "chapter %d is %s already: the number in a file's name must be its own",
                    number,
                    chapters[number],
                    location=docname,
                    type="optedu",
                    subtype="numbers",
                )
            chapters.setdefault(number, docname)
            self.number_chapter(env, docname, number)
        return [name for name in chapters.values() if env.toc_secnumbers[name] != before.get(name)]

    def number_chapter(self, env: Any, docname: str, number: int) -> None:
        """Give the number to the title of a chapter, and none to its sections."""
        numbers: dict[str, tuple[int, ...]] = {}
        for entry in env.tocs[docname].findall(nodes.reference):
            own = (number,) if entry["anchorname"] == "" else ()
            numbers[entry["anchorname"]] = own
            entry["secnumber"] = own or None
        env.toc_secnumbers[docname] = numbers
        for titles in (env.titles, env.longtitles):
            titles[docname]["secnumber"] = (number,)

    def assign_figure_numbers(self, env: Any) -> list[str]:
        """Number what stands in chapters; the order of other pages says nothing to a reader."""
        before = env.toc_fignumbers
        super().assign_figure_numbers(env)
        for docname, numbers in env.toc_fignumbers.items():
            if chapter_number(docname) is None:
                numbers.pop("figure", None)
        return [name for name, new in env.toc_fignumbers.items() if new != before.get(name)]


def number_printed_title(
    app: Any, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    """Number the title that the theme prints above a single page."""
    number = chapter_number(pagename)
    if number is not None and "pagetitle" in context:
        context["pagetitle"] = f"{number} {context['pagetitle']}"


def setup(app: Any) -> None:
    collector = ChapterNumbers()
    listeners = app.events.listeners["env-get-updated"]
    listeners[:] = [
        listener._replace(handler=collector.get_updated_docs)
        if isinstance(getattr(listener.handler, "__self__", None), TocTreeCollector)
        else listener
        for listener in listeners
    ]
    # After the theme, which sets the title.
    app.connect("html-page-context", number_printed_title, priority=900)
