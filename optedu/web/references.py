r"""Labels of the list of references: author and year, as a citation in the text shows them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pybtex.plugin import register_plugin
from pybtex.style.formatting.plain import Style
from pybtex.style.labels import BaseLabelStyle
from pybtex.style.sorting import BaseSortingStyle

NAME = "optedu"  # for bibtex_default_style


def author_year(entry: Any) -> str:
    """Return the label of an entry; from three authors on, the first stands for all.

    Examples
    --------
    >>> from pybtex.database import Entry, Person
    >>> author_year(Entry("misc", {"year": "2015"}, {"author": [Person("Ba, J."), Person("Li")]}))
    'Ba and Li, 2015'
    """
    people = entry.persons.get("author") or entry.persons.get("editor") or []
    if not people or "year" not in entry.fields:
        raise ValueError(f"{entry.key} needs an author or editor, and a year, to be cited by")
    names = [
        " ".join(str(part) for part in p.rich_prelast_names + p.rich_last_names) for p in people
    ]
    more = len(names) > 2 or names[-1] == "others"
    who = f"{names[0]} et al." if more else " and ".join(names)
    return f"{who}, {entry.fields['year']}"


class AuthorYearLabels(BaseLabelStyle):
    """Labels as the citations are; pybtex has numbers and initials only."""

    def format_labels(self, entries: Iterable[Any]) -> Iterator[str]:
        """Return the labels in the order of the entries."""
        return map(author_year, entries)


class AuthorYearOrder(BaseSortingStyle):
    """The order of the labels; pybtex's ends in names in braces and minds initials."""

    def sorting_key(self, entry: Any) -> str:
        """Return what entries are sorted by."""
        return author_year(entry).casefold()


class AuthorYearStyle(Style):
    """Entries as in pybtex's plain style, labelled and sorted by author and year."""

    default_label_style = AuthorYearLabels
    default_sorting_style = AuthorYearOrder


def setup(app: Any) -> None:
    register_plugin("pybtex.style.formatting", NAME, AuthorYearStyle)
