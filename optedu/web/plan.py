r"""The planned chapters in the menu: plain text where there is no page yet.

The setting ``optedu_plan`` names a YAML file with all chapters of the course, by part and number.
Those that the table of contents lists are links as ever. The others stand in their place without
one, so that a reader sees what the course holds, and meets no broken link.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml
from bs4 import BeautifulSoup, Tag
from sphinx.addnodes import toctree
from sphinx.errors import ConfigError
from sphinx.util import logging

from optedu.web.numbers import chapter_number

Plan = dict[str, dict[int, str]]

logger = logging.getLogger(__name__)


def read_plan(path: Path) -> Plan:
    """Return the chapters' titles by part and number; refuse a file of another form.

    Parameters
    ----------
    path : Path
        A list of parts, each with ``part``, its name, and ``chapters``, titles by number.
    """
    try:
        listed = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"optedu_plan: cannot read {path}: {error}") from error
    if not isinstance(listed, list):
        raise ConfigError(f"{path}: expected a list of parts, got {listed!r}")
    plan: Plan = {}
    last = 0
    for part in listed:
        if not isinstance(part, dict) or set(part) != {"part", "chapters"}:
            raise ConfigError(f"{path}: a part has 'part' and 'chapters', got {part!r}")
        name, chapters = part["part"], part["chapters"]
        if not isinstance(name, str) or name in plan:
            raise ConfigError(f"{path}: a part needs a name of its own, got {name!r}")
        if not isinstance(chapters, dict):
            raise ConfigError(f"{path}: chapters of {name!r} must be titles by number")
        for number, title in chapters.items():
            if not isinstance(number, int) or number <= last:
                raise ConfigError(
                    f"{path}: numbers must rise, got {number!r} after {last} in {name!r}"
                )
            if not isinstance(title, str) or not title:
                raise ConfigError(f"{path}: chapter {number} needs a title, got {title!r}")
            last = number
        plan[name] = chapters
    return plan


def load(app: Any, config: Any) -> None:
    """Read the plan, if there is one; pages are written again where it changed."""
    if config.optedu_plan:
        config.optedu_planned = read_plan(Path(app.confdir) / config.optedu_plan)


def listed_parts(env: Any) -> dict[str, list[int | None]]:
    """Return the numbers of the pages of each part, in the order of the table of contents."""
    return {
        tree["caption"]: [chapter_number(page) for _, page in tree["entries"]]
        for tree in env.tocs[env.config.root_doc].findall(toctree)
        if tree.get("caption")
    }


def compare(app: Any, env: Any) -> None:
    """Warn, which fails the build of the book, where contents and plan disagree."""
    plan = app.config.optedu_planned
    part_of = {number: part for part, titles in plan.items() for number in titles}
    for part, pages in listed_parts(env).items() if plan else ():
        for number in pages:
            if number is None or part_of.get(number) == part:
                continue
            planned = repr(part_of[number]) if number in part_of else "none"
            logger.warning(
                "chapter %d: expected the part that %s has, %s, got %r in the table of contents",
                number,
                app.config.optedu_plan,
                planned,
                part,
                type="optedu",
                subtype="plan",
            )


def entry(soup: BeautifulSoup, number: int, title: str) -> Tag:
    """Return the line of a chapter that is planned."""
    item = soup.new_tag("li", attrs={"class": "toctree-l1 optedu-planned"})
    text = soup.new_tag("span", attrs={"class": "reference"})
    text.append(f"{number} {title}")
    said = soup.new_tag("span", attrs={"class": "visually-hidden"})
    said.append(" (to come)")
    text.append(said)
    item.append(text)
    return item


def part_list(soup: BeautifulSoup, part: str, after: Tag | None, following: list[str]) -> Tag:
    """Return the list of a part's entries; a part without a page gets its own, in its place."""
    captions = {tag.get_text(strip=True): tag for tag in soup.select("p.caption")}
    if part in captions:
        return captions[part].find_next_sibling("ul")  # type: ignore[return-value]
    attributes = {"aria-level": "2", "class": "caption", "role": "heading"}
    caption = soup.new_tag("p", attrs=attributes)
    text = soup.new_tag("span", attrs={"class": "caption-text"})
    text.append(part)
    caption.append(text)
    entries = soup.new_tag("ul", attrs={"class": "nav bd-sidenav"})
    later = next((captions[name] for name in following if name in captions), None)
    if after is not None:
        after.insert_after(caption, entries)
    elif later is not None:
        later.insert_before(caption, entries)
    else:
        soup.extend([caption, entries])
    return entries


def with_planned(soup: BeautifulSoup, plan: Plan, listed: dict[str, list[int | None]]) -> Any:
    """Return a copy of the menu with the planned chapters that it does not list."""
    soup = copy.copy(soup)
    written = {number for pages in listed.values() for number in pages}
    entries = None
    for k, (part, titles) in enumerate(plan.items()):
        missing = {number: title for number, title in titles.items() if number not in written}
        if not missing and part not in listed:
            continue
        entries = part_list(soup, part, entries, list(plan)[k + 1 :])
        pages = list(zip(listed.get(part, []), entries("li", recursive=False), strict=False))
        for number, title in missing.items():
            line = entry(soup, number, title)
            later = [page for other, page in pages if other is not None and other > number]
            if later:
                later[0].insert_before(line)
            else:
                entries.append(line)
    return soup


def add_planned(
    app: Any, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    """Let the theme's menu hold the planned chapters."""
    plan = app.config.optedu_planned
    themes = context.get("generate_toctree_html")
    if not plan or themes is None:
        return
    listed = listed_parts(app.env)

    def generate(kind: str, **options: Any) -> Any:
        soup = themes(kind, **options)
        return with_planned(soup, plan, listed) if kind == "sidebar" else soup

    context["generate_toctree_html"] = generate


def setup(app: Any) -> None:
    # A file of planned chapters, relative to the configuration; nothing is added without one.
    app.add_config_value("optedu_plan", "", "html")
    # What it holds, set by load, not by authors.
    app.add_config_value("optedu_planned", {}, "html")
    app.connect("config-inited", load)
    app.connect("env-check-consistency", compare)
    # After the theme, whose function this wraps.
    app.connect("html-page-context", add_planned, priority=900)
