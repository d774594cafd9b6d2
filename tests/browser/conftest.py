"""Chromium, a server, and a page that keeps account of errors and requests.

Without Playwright or Chromium every test here is skipped, visibly. Tests of the built book take
``_build/html`` and are skipped where it has not been built.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.browser.server import serve

ROOT = Path(__file__).resolve().parents[2]
# Another build can be tested: OPTEDU_BOOK=folder pytest tests/browser
BOOK = Path(os.environ.get("OPTEDU_BOOK", ROOT / "_build" / "html"))
SETTLE = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
PIXELS = "[...document.querySelectorAll('opt-figure canvas')].map((c) => c.toDataURL())"
# Once the page has moved, sections far below are laid out when the browser is idle (pages.js).
LAID_OUT = """() => [...document.querySelectorAll('.bd-article section section')]
  .every((section) => section.style.contentVisibility === 'visible')"""
# Images that would load when the reader comes to them; a broken one must not hold up the rest.
IMAGES = """() => Promise.all([...document.images].map((image) => {
  image.loading = 'eager';
  return image.decode().catch(() => {});
}))"""
MOVES = "document.getAnimations().some((animation) => animation.playState === 'running')"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@dataclass
class Account:
    """What a page did besides showing itself."""

    home: str
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    @property
    def foreign(self) -> list[str]:
        """Requests to any other host."""
        own = (self.home + "/", "data:", "blob:", "about:")
        return [url for url in self.requests if not url.startswith(own)]


def watch(page: Any, home: str) -> Account:
    """Keep account of a page's errors, failed answers and requests, workers' included."""
    account = Account(home)

    def console(message: Any) -> None:
        if message.type == "error":
            account.errors.append(f"console: {message.text} ({message.location.get('url')})")

    page.on("console", console)
    page.on("pageerror", lambda error: account.errors.append(f"exception: {error}"))
    # Of the context, so that a worker's requests count too.
    page.context.on("request", lambda request: account.requests.append(request.url))
    page.context.on(
        "response",
        lambda r: r.status >= 400 and account.errors.append(f"status {r.status}: {r.url}"),
    )
    return account


def missing() -> str:
    """What a browser test lacks on this machine, in words; empty if nothing."""
    if importlib.util.find_spec("playwright") is None:
        return "Playwright is not installed"
    if not _chromium_path():
        return "Chromium is not installed: make browser-tools"
    return _driver_fails()


@cache
def _driver_fails() -> str:
    """Why Playwright's own Node does not start; empty if it does. A bare Debian lacks a library."""
    from playwright._impl._driver import compute_driver_executable

    try:
        command = [*compute_driver_executable(), "--version"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        return f"Playwright does not start: {error}"
    if done.returncode == 0:
        return ""
    said = (done.stderr.strip() or "no reason given").splitlines()[-1]
    return f"Playwright does not start ({said}): make browser-tools"


def _chromium_path() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("CHROME_PATH") or next(filter(None, map(shutil.which, names)), None)


@contextmanager
def chromium() -> Iterator[Any]:
    """Debian's Chromium, headless."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=_chromium_path(), args=["--no-sandbox"]
        )
        yield started
        started.close()


def settled(page: Any) -> None:
    """Wait until what was asked of the page shows: scripts heard of it, colours have changed."""
    page.evaluate(SETTLE)
    page.wait_for_function(f"!{MOVES}")


def unfold(page: Any) -> None:
    """Let all that waits for the reader to come near load, and go back to the top."""
    page.evaluate("dispatchEvent(new Event('scroll'))")
    page.wait_for_function(LAID_OUT)
    page.evaluate(IMAGES)
    for figure in page.locator("opt-figure").all():
        figure.scroll_into_view_if_needed()
    page.wait_for_function("!document.querySelector('opt-figure:not(.of-ready)')")
    page.evaluate("document.fonts.ready.then(() => scrollTo(0, 0))")
    settled(page)


def at_rest(page: Any) -> list[str]:
    """Wait until no figure changes any more (a map is drawn bit by bit); return the pixels."""
    before = pixels(page)
    page.wait_for_timeout(300)
    while (now := pixels(page)) != before:
        before = now
    return now


def pixels(page: Any) -> list[str]:
    """The pictures that the figures show after the next frame, as data."""
    page.evaluate(SETTLE)
    return page.evaluate(PIXELS)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One browser for all tests."""
    if reason := missing():
        pytest.skip(reason)
    with chromium() as started:
        yield started


@pytest.fixture
def context(browser: Any) -> Iterator[Any]:
    """A fresh profile."""
    fresh = browser.new_context(viewport={"width": 1280, "height": 900})
    yield fresh
    fresh.close()


@pytest.fixture
def page(context: Any) -> Any:
    """A fresh page."""
    return context.new_page()


@pytest.fixture(scope="session")
def book_folder() -> Path:
    """The built book."""
    if not (BOOK / "index.html").is_file():
        pytest.skip("the book is not built: make book")
    return BOOK


@pytest.fixture(scope="session")
def book(book_folder: Path) -> Iterator[str]:
    """Address of the built book."""
    with serve(book_folder) as address:
        yield address


def npm_package(name: str) -> Path:
    """Folder of a package that ``npm install`` put beside this file, or a visible skip."""
    folder = Path(__file__).parent / "node_modules" / name
    if not folder.is_dir():
        pytest.skip(f"{name} is not installed: make browser-tools")
    return folder
