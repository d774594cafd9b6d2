r"""What a page says of where the book and its repository are, from the one place that knows it.

A book without an address has no canonical links, and buttons to no repository. The wheel of the
package lies beside its pages in any case.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sphinx.errors import ConfigError

from optedu.course import wheel
from optedu.course.addresses import AddressError, read

# The theme makes links to hosts of these names; another one is named in the theme's options.
_PROVIDERS = ("github", "gitlab", "bitbucket")
_BUTTONS = ("use_repository_button", "use_edit_page_button", "use_issues_button")


def place(app: Any, config: Any) -> None:
    """Hand the addresses to Sphinx, the theme and the previews."""
    try:
        found = read(Path(app.confdir))
    except AddressError as error:
        raise ConfigError(str(error)) from error
    theme = config.html_theme_options
    config.html_baseurl = config.ogp_site_url = found.book
    host = urlsplit(found.repository).hostname or ""
    known = theme.get("repository_provider") or any(name in host for name in _PROVIDERS)
    config.optedu_addresses = (found.book, found.repository)
    there = bool(found.repository and known)
    theme.update(dict.fromkeys(_BUTTONS, there), repository_url=found.repository if there else "")
    if not there:
        # How the theme is told that there is nothing to launch from. The notebooks beside the
        # pages, which it writes on the way to that, are there all the same.
        config.html_context.update(github_url=None, github_user=None, github_repo=None)


def serve(app: Any, exception: Exception | None) -> None:
    """Put the wheel beside the pages."""
    if exception is None and app.builder.format == "html":
        wheel.serve(Path(app.outdir))


def setup(app: Any) -> None:
    # What a page shows of the addresses is read again when they change.
    app.add_config_value("optedu_addresses", ("", ""), "env")
    app.connect("config-inited", place, priority=100)
    app.connect("build-finished", serve)
