"""Every page of the built book: no errors, no broken link, no other host, readable by everyone."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin

import pytest

from optedu.web.pdf import LEFT_OUT, starts
from tests.browser.conftest import BOOK, npm_package, settled, unfold, watch

# index.html alone only sends the reader on to book/index.html.
PAGES = sorted(
    path.relative_to(BOOK).as_posix()
    for path in BOOK.rglob("*.html")
    if "_static" not in path.relative_to(BOOK).parts and path != BOOK / "index.html"
)
# Written by Sphinx, not by an author; they have no chapter's text.
GENERATED = {"genindex.html", "search.html", "prf-prf.html"}
CHAPTERS = [page for page in PAGES if page not in GENERATED]


class Elements(HTMLParser):
    """Ids and links of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.ids.update(filter(None, (found.get("id"), found.get("name"))))
        for name in ("href", "src"):
            if found.get(name) and not (tag == "link" and found.get("rel") == "canonical"):
                self.links.append(found[name])


@cache
def elements(path: Path) -> Elements:
    return Elements(path.read_text(encoding="utf-8"))


@pytest.fixture(params=PAGES)
def any_page(request, book_folder):
    return request.param


@pytest.fixture(params=CHAPTERS)
def chapter(request, book_folder):
    return request.param


def test_the_book_has_pages(book_folder):
    assert any(page.endswith("ch09_adam.html") for page in PAGES)


WIDTHS = (1440, 768, 360)
AXE = "axe.run({resultTypes: ['violations']}).then((all) => all.violations)"
# The theme keeps a second title for paper, which is not shown on the screen.
HEADINGS = """all => all.filter((e) => e.checkVisibility())
  .map((e) => [Number(e.tagName[1]), e.textContent.trim()])"""
IMAGES = """all => all.filter((e) => e.getAttribute('role') !== 'presentation')
  .map((e) => [e.getAttribute('alt') ?? '', e.src])"""
# In a sentence a formula does not scroll: it must be short enough for its box.
LONG = """all => all.filter((e) => e.getBoundingClientRect().width
    && e.getBoundingClientRect().right
    > e.closest('p, li, td, th, dd, dt, figcaption').getBoundingClientRect().right + 4)
  .map((e) => e.textContent)"""
PATH = re.compile(r"\.(png|svg|jpg)$|^_images")


def serious(page):
    """What axe-core finds serious or critical, with the first places."""
    return [
        (item["id"], [node["target"] for node in item["nodes"]][:4])
        for item in page.evaluate(AXE)
        if item["impact"] in ("serious", "critical")
    ]


def test_every_page(any_page, browser, book):
    """One visit, for it is loading that takes the time; every fault is listed."""
    axe = npm_package("axe-core") / "axe.min.js"
    context = browser.new_context(color_scheme="light", reduced_motion="reduce")
    page = context.new_page()
    account = watch(page, book)
    page.goto(f"{book}/{any_page}", wait_until="networkidle")
    unfold(page)
    faults = {"errors": account.errors, "other hosts": account.foreign}

    headings = page.locator("main :is(h1,h2,h3,h4,h5,h6)").evaluate_all(HEADINGS)
    levels = [level for level, _ in headings]
    faults["titles"] = [] if levels.count(1) == 1 else headings
    steps = pairwise(headings)
    faults["headings out of order"] = [b for a, b in steps if b[0] > a[0] + 1]
    images = page.locator("main img").evaluate_all(IMAGES)
    faults["images without words"] = [(a, src) for a, src in images if not a or PATH.search(a)]

    page.add_script_tag(path=str(axe))
    faults["axe, light"] = serious(page)
    page.emulate_media(color_scheme="dark")
    # The theme hears of it at the next frame, and some colours change slowly.
    page.wait_for_function("document.documentElement.dataset.theme === 'dark'")
    settled(page)
    faults["axe, dark"] = serious(page)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        settled(page)
        over = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        faults[f"wider than {width} px"] = [over] if over > 0 else []
        long = page.locator(".bd-article :is(p, li, td, th, dd, dt, figcaption) span.math > *")
        faults[f"formulas too long for {width} px"] = long.evaluate_all(LONG)
    context.close()
    assert {kind: found for kind, found in faults.items() if found} == {}


def test_every_internal_link_has_a_target(any_page):
    base = f"http://book/{any_page}"
    broken = []
    for link in elements(BOOK / any_page).links:
        address, fragment = urldefrag(urljoin(base, link))
        if not address.startswith("http://book/"):
            continue
        target = BOOK / unquote(address.removeprefix("http://book/").partition("?")[0])
        if target.is_dir():
            target /= "index.html"
        missing_id = (
            fragment
            and target.suffix == ".html"
            and target.is_file()
            and unquote(fragment) not in elements(target).ids
        )
        if not target.is_file() or missing_id:
            broken.append(link)
    assert not broken


def test_title_description_and_social_card(chapter, page, book):
    page.goto(f"{book}/{chapter}")
    read = "(e) => e.content"
    description = page.locator("meta[name='description']").first.evaluate(read)
    assert 40 <= len(description) <= 320, description
    heading = page.locator("article h1").inner_text().rstrip("#").strip()
    assert heading in page.title()
    for name in ("title", "description", "url", "image", "type"):
        assert page.locator(f"meta[property='og:{name}']").first.evaluate(read), name
    image = page.locator("meta[property='og:image']").first.evaluate(read)
    place, folder, name = image.partition("_images/")
    assert (BOOK / folder / name).is_file(), (place, image)


# A page that jumps under the reader's thumb: Core Web Vitals call a sum of shifts up to 0.1 good.
SHIFTS = """() => new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.shifted = (window.shifted ?? 0) + entry.value;
}).observe({ type: 'layout-shift', buffered: true })"""


def shifted(page, address):
    """How far a page jumps on a phone when the script of its figures comes late."""
    held = []
    page.set_viewport_size({"width": 412, "height": 823})
    page.route("**/figure.js*", lambda route: held.append(route))
    page.add_init_script(f"({SHIFTS})()")
    page.goto(address, wait_until="commit")
    page.locator("footer").first.wait_for()
    settled(page)
    while held:
        held.pop().continue_()
    page.wait_for_load_state()
    figures = page.locator("opt-figure")
    if figures.count() and figures.first.bounding_box()["y"] < 823:
        page.locator("opt-figure.of-ready").first.wait_for()
    settled(page)
    # What waits for its place as the page arrives is there in the end.
    assert all(task.is_visible() for task in page.locator(".optedu-predicted > .task").all())
    return page.evaluate("window.shifted ?? 0")


def test_no_chapter_jumps_when_a_late_script_draws_its_first_figure(browser, book):
    jumped = {}
    for chapter in (page for page in CHAPTERS if re.search(r"/ch\d\d_", page)):
        context = browser.new_context()
        jumped[chapter] = shifted(context.new_page(), f"{book}/{chapter}")
        context.close()
    assert {chapter: by for chapter, by in jumped.items() if by > 0.1} == {}


def test_on_a_phone_a_question_is_not_seen_before_its_figure_has_arrived(page, book, book_folder):
    chapter = "book/part1/ch02_gradient_descent.html"
    text = (book_folder / chapter).read_text(encoding="utf-8")
    arrived = text[: text.index("<opt-figure")]
    page.route(f"**/{chapter}", lambda route: route.fulfill(body=arrived, content_type="text/html"))
    page.set_viewport_size({"width": 412, "height": 823})
    page.goto(f"{book}/{chapter}")
    task = page.locator(".optedu-predicted > .task")
    assert task.count() == 1 and not task.is_visible()
    page.set_viewport_size({"width": 1440, "height": 900})
    assert task.is_visible()  # the figure comes beside or below it


def test_search_finds_bias_correction(page, book):
    account = watch(page, book)
    page.goto(f"{book}/search.html?q=bias+correction")
    # Results are shown one after the other.
    page.get_by_text("Search finished").wait_for()
    results = page.locator("#search-results li")
    assert "Adam" in " ".join(results.all_inner_texts()[:3])
    assert not account.foreign


def test_print_hides_what_paper_cannot_use(chapter, page, book):
    page.goto(f"{book}/{chapter}")
    page.emulate_media(media="print")
    shown = page.locator(".bd-sidebar-primary, .bd-header-article, .prev-next-area, .copybtn")
    assert not [element for element in shown.all() if element.is_visible()]
    titles = page.locator("main h1")
    assert sum(title.is_visible() for title in titles.all()) == 1
    black = page.locator("main p").first.evaluate("e => getComputedStyle(e).color")
    assert sum(map(float, re.findall(r"[\d.]+", black)[:3])) < 200


def test_previous_and_next_visit_every_chapter(book_folder):
    def after(path):
        link = re.search(r'<a class="right-next"\s+href="([^"]+)"', path.read_text())
        return (path.parent / link[1]).resolve() if link else None

    path, visited = BOOK.resolve() / "book" / "index.html", []
    while path is not None:
        visited.append(path.relative_to(BOOK.resolve()).as_posix())
        assert len(visited) <= len(CHAPTERS)
        path = after(path)
    assert sorted(visited) == CHAPTERS


def test_the_book_prints_to_one_pdf_with_all_chapters(book_folder, browser, tmp_path):
    target = tmp_path / "book.pdf"
    module = Path(__file__).resolve().parents[2] / "optedu" / "web" / "pdf.py"
    done = subprocess.run(
        [sys.executable, str(module), str(book_folder), str(target)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-1500:]
    printed = [chapter for chapter in CHAPTERS if chapter not in LEFT_OUT]
    assert len(printed) == len(CHAPTERS) - 1
    assert f": {len(printed)} chapters" in done.stdout
    data = target.read_bytes()
    assert data.startswith(b"%PDF")
    assert data.count(b"/Type /Page\n") > 3 * len(CHAPTERS)
    # Each chapter but the first, which comes before the contents, has its place and its link there.
    places = starts(data)
    pages = [places.get("-" + re.sub(r"\W+", "-", chapter)) for chapter in printed]
    assert pages.count(None) == 1
    assert len(set(pages)) == len(pages)
    assert "-book-appendix-api-html" not in places
    assert b"127.0.0.1" not in data


def test_the_pages_of_named_places_are_read_off_a_pdf(page):
    tall = '<div style="height: 1500px"></div>'
    links = "".join(f'<p><a href="#{name}">{name}</a></p>' for name in "abc")
    parts = [f'<h1 id="{name}" style="break-before: page">{name}</h1>{tall}' for name in "abc"]
    page.set_content(links + "".join(parts))
    places = starts(page.pdf(format="A4"))
    assert {name: places[name] for name in "abc"} == {"a": 2, "b": 4, "c": 6}
    page.set_content("<p>No link.</p>")
    assert starts(page.pdf(format="A4")) == {}
