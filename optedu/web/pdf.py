r"""Print the built book to one PDF with headless Chromium.

``python -m optedu.web.pdf _build/html _build/optedu.pdf``

The chapters are put behind one another in one page, in the order of the contents, so that links
between them work on paper's successor too. The book is printed twice: the first time tells on which
page each chapter starts. The reference of the package is left out: it is for looking things up.
"""

from __future__ import annotations

import re
import shutil
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

START = "book/index.html"
LEFT_OUT = ["book/appendix/api.html"]
# Adds the chapters that follow the open page. Ids get their chapter's name in front, since two
# chapters may have the same heading; links between chapters become links inside the page.
GATHER = """async (leftOut) => {
  const slug = (url) => new URL(url).pathname.replace(/\\W+/g, '-');
  const root = document.querySelector('.bd-article');
  // The theme prints one title of its own, for one page.
  document.querySelector('#jb-print-docs-body')?.remove();
  const parts = [[location.href, root, document]];
  const seen = new Set([location.pathname]), passed = new Set();
  // What is not printed is linked where the book is published.
  const published = document.querySelector('link[rel=canonical]')?.href;
  const site = published && new URL('..', published).href;
  const start = new URL('..', location.href).href;
  let next = document.querySelector('a.right-next')?.href;
  while (next && !seen.has(new URL(next).pathname) && !passed.has(new URL(next).pathname)) {
    seen.add(new URL(next).pathname);
    const other = new DOMParser().parseFromString(await (await fetch(next)).text(), 'text/html');
    const base = other.createElement('base');
    base.href = next;
    other.head.prepend(base);
    if (leftOut.some((path) => next.split('#')[0].endsWith(path))) {
      seen.delete(new URL(next).pathname);
      passed.add(new URL(next).pathname);
    } else parts.push([next, other.querySelector('.bd-article'), other]);
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
      else if (target.href.startsWith(start)) {
        if (site) link.setAttribute('href', site + target.href.slice(start.length));
        else link.removeAttribute('href'); // it would lead to the machine that printed
      }
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
  // The contents, after the first page's text: the menu's parts, with what is printed of them.
  const contents = document.createElement('div');
  contents.id = 'print-contents';
  contents.innerHTML = '<h1>Contents</h1>';
  for (const item of document.querySelectorAll('nav.bd-links :is(p.caption, a.reference)')) {
    const target = item.href && new URL(item.href);
    if (item.matches('a') && (!seen.has(target.pathname) || target.pathname === location.pathname))
      continue;
    const line = document.createElement(item.matches('a') ? 'a' : 'p');
    line.append(item.textContent.trim());
    if (item.matches('a')) {
      line.href = '#' + slug(target.origin + target.pathname);
      line.append(document.createElement('span'), document.createElement('b'));
    }
    contents.append(line);
  }
  for (const caption of contents.querySelectorAll('p:has(+ p), p:last-child')) caption.remove();
  root.children[0].after(contents);
  // A broken image must not hold up the book.
  const late = new Promise((resolve) => setTimeout(resolve, 30000));
  const loaded = [...document.images].map((image) => image.decode().catch(() => {}));
  await Promise.race([Promise.all(loaded), late]);
  await document.fonts.ready;
  return parts.length;
}"""
# Writes the page numbers into the contents.
NUMBER = """(pages) => {
  for (const line of document.querySelectorAll('#print-contents a'))
    line.querySelector('b').textContent = pages[line.hash.slice(1)] ?? '';
}"""
STYLE = """
#print-contents { break-before: page }
#print-contents h1 { display: block !important }
#print-contents p { font-weight: 600; margin: 1.2rem 0 0.3rem }
#print-contents a { color: inherit; display: flex; gap: 0.4rem; line-height: 1.7;
  text-decoration: none }
#print-contents a > span { border-bottom: 1px dotted #777; flex: 1; margin-bottom: 0.4rem }
#print-contents a > b { font-variant-numeric: tabular-nums; font-weight: 400 }
"""
FOOTER = (
    '<div style="font-size:8px;width:100%;text-align:center">'
    '<span class="pageNumber"></span> / <span class="totalPages"></span></div>'
)


class Quiet(SimpleHTTPRequestHandler):
    """Serve files and say nothing."""

    def log_message(self, *_: object) -> None:
        """Stay silent."""


def starts(pdf: bytes) -> dict[str, int]:
    """Return the page, counted from 1, of each named place of a PDF that Chromium wrote."""
    kids = {
        int(number): [int(kid) for kid in re.findall(rb"(\d+) 0 R", inner)]
        for number, inner in re.findall(
            rb"\n(\d+) 0 obj\n<</Type /Pages\n(?:/Count \d+\n)?/Kids \[([^\]]*)\]", pdf
        )
    }
    catalog = re.search(rb"/Type /Catalog\n/Pages (\d+) 0 R\n/Dests (\d+) 0 R", pdf)
    if catalog is None:
        return {}
    pages, waiting = [], [int(catalog[1])]
    while waiting:
        node = waiting.pop(0)
        if node in kids:
            waiting = kids[node] + waiting
        else:
            pages.append(node)
    number_of = {node: k for k, node in enumerate(pages, start=1)}
    _, _, places = pdf.partition(b"\n" + catalog[2] + b" 0 obj\n")
    named = re.findall(rb"/([^\s/\[\]]+) \[(\d+) 0 R /XYZ", places.partition(b"endobj")[0])
    return {name.decode(): number_of[int(node)] for name, node in named}


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
    margin: Any = {"top": "18mm", "bottom": "18mm", "left": "16mm", "right": "16mm"}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        context = browser.new_context(color_scheme="light")
        # Without our scripts the pages show their static figures and exercises, as paper should.
        ours = ("**/optfigure/**/*.js*", "**/pyexercise/*.js*", "**/tasks/*.js*")
        for scripts in ours:
            context.route(scripts, lambda route: route.fulfill(body=""))
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/{START}", wait_until="load")
        page.add_style_tag(content=STYLE)
        chapters = page.evaluate(GATHER, LEFT_OUT)

        def printed() -> bytes:
            return page.pdf(
                format="A4",
                margin=margin,
                outline=True,
                tagged=True,
                display_header_footer=True,
                header_template="<span></span>",
                footer_template=FOOTER,
            )

        page.evaluate(NUMBER, starts(printed()))
        target.write_bytes(printed())
        browser.close()
    server.shutdown()
    return chapters


if __name__ == "__main__":
    where = Path(sys.argv[2])
    count = print_book(Path(sys.argv[1]), where)
    print(f"{where}: {count} chapters, {where.stat().st_size / 1e6:.1f} MB")
