// A term of the glossary explains itself where it stands: pointed at, or reached with the keyboard.
// A click follows the link to the glossary, which is also all there is without this script.
{
  const ID = "optedu-term";
  const pages = new Map();
  let card = null;
  let waiting = 0;

  const load = (address) => {
    if (!pages.has(address)) {
      const read = fetch(address).then((answer) => (answer.ok ? answer.text() : Promise.reject()));
      pages.set(address, read.then((text) => new DOMParser().parseFromString(text, "text/html")));
    }
    return pages.get(address);
  };

  // What the glossary says of a term: the first <dd> after it, for several terms may share one.
  const explanation = async (link) => {
    const target = new URL(link.href);
    const page = await load(target.origin + target.pathname);
    let said = page.getElementById(decodeURIComponent(target.hash.slice(1)));
    while (said && said.tagName !== "DD") said = said.nextElementSibling;
    if (!said) return null;
    const copy = document.importNode(said, true);
    // The browser sets MathML by itself; the page's style may lack the letters of another page.
    for (const formula of copy.querySelectorAll("mjx-container")) {
      const math = formula.querySelector("math");
      if (math) formula.replaceWith(math);
    }
    for (const inner of copy.querySelectorAll("a")) inner.replaceWith(...inner.childNodes);
    return [...copy.childNodes];
  };

  const hide = () => {
    clearTimeout(waiting);
    card?.link.removeAttribute("aria-describedby");
    card?.box.remove();
    card = null;
  };

  // Below the line on which the link ends, above it where there is no room, inside the window; and
  // so again when the page moves.
  const place = () => {
    if (!card) return;
    const { link, box } = card;
    const rect = [...link.getClientRects()].at(-1);
    if (!rect) return hide();
    const room = document.documentElement.clientWidth - box.offsetWidth - 8;
    const below = rect.bottom + box.offsetHeight < innerHeight || rect.top < box.offsetHeight;
    box.style.left = `${Math.max(8, Math.min(rect.left, room))}px`;
    box.style.top = `${below ? rect.bottom : rect.top - box.offsetHeight}px`;
  };

  const show = async (link) => {
    const said = await explanation(link).catch(() => null);
    if (!said || !link.matches(":hover, :focus")) return;
    hide();
    const box = document.createElement("div");
    box.id = ID;
    box.setAttribute("role", "tooltip");
    box.append(...said);
    document.body.append(box);
    card = { link, box };
    place();
    link.setAttribute("aria-describedby", ID);
    box.addEventListener("mouseleave", leave);
  };

  // The pointer may move onto the card, to read on or to mark words.
  const leave = () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      if (card && !card.box.matches(":hover") && !card.link.matches(":hover, :focus")) hide();
    }, 150);
  };

  for (const link of document.querySelectorAll('.bd-article a[href*="glossary.html#term-"]')) {
    link.addEventListener("mouseenter", () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => show(link), 200);
    });
    link.addEventListener("mouseleave", leave);
    link.addEventListener("focus", () => show(link));
    link.addEventListener("blur", leave);
  }
  addEventListener("scroll", place, { passive: true });
  addEventListener("resize", place);
  addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
  });
}
