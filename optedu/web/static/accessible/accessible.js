// What scrolls sideways can be scrolled with the keyboard, and fades at the edge behind which there
// is more. Which formulas and tables are too wide depends on the screen: each is looked at when the
// browser has laid it out, and again when its width changes. Asking earlier would make the browser
// lay out all that nobody has come to yet.
(() => {
  const scrolls = (element) =>
    element.scrollWidth > element.clientWidth && /auto|scroll/.test(getComputedStyle(element).overflowX);
  // Where there is more: widths may be off by a fraction of a pixel.
  const more = ({ scrollLeft, clientWidth, scrollWidth }) =>
    [scrollLeft > 1 ? "left" : "", scrollLeft + clientWidth < scrollWidth - 1 ? "right" : ""].join(" ").trim();
  const sizes = new ResizeObserver((entries) => {
    const laidOut = entries.filter(({ contentRect }) => contentRect.width > 0).map(({ target }) => target);
    // All questions before all answers, for an answer makes the next question costly.
    const found = laidOut.map((element) => (scrolls(element) ? more(element) : null));
    laidOut.forEach((element, k) => {
      const { dataset } = element;
      if (found[k] === null) {
        delete dataset.scrolls;
        if ("reached" in dataset) element.removeAttribute("tabindex");
        delete dataset.reached;
        return;
      }
      dataset.scrolls = found[k];
      if (element.hasAttribute("tabindex")) return;
      element.tabIndex = 0;
      dataset.reached = "";
    });
  });
  for (const element of document.querySelectorAll(
    "main :is(pre, div.math, mjx-container[display], .optedu-derivation *, .output, .pst-scrollable-table-container, .cell_output table)",
  )) {
    if (!element.parentElement.closest("mjx-container")) sizes.observe(element);
  }
  const moved = ({ target }) => {
    if (target.dataset && "scrolls" in target.dataset) target.dataset.scrolls = more(target);
  };
  // Scrolling does not bubble: it is seen on its way down.
  document.addEventListener("scroll", moved, { capture: true, passive: true });
})();
