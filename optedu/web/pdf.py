r"""Print the built book to one PDF with headless Chromium.

``python -m optedu.web.pdf _build/html _build/optedu.pdf``

The chapters are put behind one another in one page, in the order of the contents, so that links
between them work on paper's successor too.
"""

from __future__ import annotations

import shutil
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

START = "book/index.html"
# Adds the chapters that follow the open page. Ids get their chapter's name in front, since two
# chapters may have the same heading; links between chapters become links inside the page.
GATHER = """async () => {
  const slug = (url) => new URL(url).pathname.replace(/\\W+/g, '-');
  const root = document.querySelector('.bd-article');
  // The theme prints one title of its own, for one page.
  document.querySelector('#jb-print-docs-body')?.remove();
  const parts = [[location.href, root, document]];
  const seen = new Set([location.pathname]);
  let next = document.querySelector('a.right-next')?.href;
  while (next && !seen.has(new URL(next).pathname)) {
    seen.add(new URL(next).pathname);
    const other = new DOMParser().parseFromString(await (await fetch(next)).text(), 'text/html');
    const base = other.createElement('base');
    base.href = next;
    other.head.prepend(base);
    parts.push([next, other.querySelector('.bd-article'), other]);
    next = other.querySelector('a.right-next')?.href;
  }
  for (const [url, part] of parts) {
    for (const element of part.querySelectorAll('[src]')) element.setAttribute('src', element.src);
    for (const image of part.querySelectorAll('img')) image.loading = 'eager';
    for (const fold of part.querySelectorAll('details.optedu-deeper')) fold.open = true;
    for (const link of part.querySelectorAll('a[href]')) {
      const target = new URL(link.href, url);
      if (target.origin === location.origin && seen.has(target.pathname))
        link.setAttribute('href', '#' + slug(target.href) + target.hash.slice(1));
    }
    for (const element of part.querySelectorAll('[id]')) element.id = slug(url) + element.id;
    part.querySelector('h1')?.style.setProperty('display', 'block', 'important');
    part.querySelectorAll('.headerlink, script').forEach((element) => element.remove());
    const section = document.createElement('div');
    section.id = slug(url);
    section.style.breakBefore = part === root ? 'auto' : 'page';
    section.append(...part.childNodes);
    root.append(document.adoptNode(section));
  }
  // A broken image must not hold up the book.
  const late = new Promise((resolve) => setTimeout(resolve, 30000));
  const loaded = [...document.images].map((image) => image.decode().catch(() => {}));
  await Promise.race([Promise.all(loaded), late]);
  await document.fonts.ready;
  return parts.length;
}"""
FOOTER = (
    '<div style="font-size:8px;width:100%;text-align:center">'
    '<span class="pageNumber"></span> / <span class="totalPages"></span></div>'
)


class Quiet(SimpleHTTPRequestHandler):
    """Serve files and say nothing."""

    def log_message(self, *_: object) -> None:
        """Stay silent."""


def print_book(folder: Path, target: Path) -> int:
    """Print the book built in ``folder`` to ``target``; return the number of chapters."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("Chromium is not installed: the PDF is printed with it")
    if not (folder / START).is_file():
        sys.exit(f"{folder / START} is not there: make book")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    Thread(target=server.serve_forever, daemon=True).start()
    margin = {"top": "18mm", "bottom": "18mm", "left": "16mm", "right": "16mm"}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        context = browser.new_context(color_scheme="light")
        # Without our scripts the pages show their static figures and exercises, as paper should.
        ours = ("**/optfigure/**/*.js*", "**/pyexercise/*.js*", "**/tasks/*.js*")
        for scripts in ours:
            context.route(scripts, lambda route: route.fulfill(body=""))
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/{START}", wait_until="load")
        chapters = page.evaluate(GATHER)
        page.pdf(
            path=str(target),
            format="A4",
            margin=margin,
            outline=True,
            tagged=True,
            display_header_footer=True,
            header_template="<span></span>",
            footer_template=FOOTER,
        )
        browser.close()
    server.shutdown()
    return chapters


if __name__ == "__main__":
    where = Path(sys.argv[2])
    count = print_book(Path(sys.argv[1]), where)
    print(f"{where}: {count} chapters, {where.stat().st_size / 1e6:.1f} MB")
