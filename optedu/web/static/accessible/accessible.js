// What scrolls sideways can be scrolled with the keyboard. Which formulas and tables are too wide
// depends on the screen: each is looked at when the browser has laid it out, and again when its
// width changes. Asking earlier would make the browser lay out all that nobody has come to yet.
(() => {
  const scrolls = (element) =>
    element.scrollWidth > element.clientWidth && /auto|scroll/.test(getComputedStyle(element).overflowX);
  const sizes = new ResizeObserver((entries) => {
    const laidOut = entries.filter(({ contentRect }) => contentRect.width > 0).map(({ target }) => target);
    // All questions before all answers, for an answer makes the next question costly.
    const found = laidOut.map(scrolls);
    laidOut.forEach((element, k) => {
      if (found[k] && !element.hasAttribute("tabindex")) {
        element.tabIndex = 0;
        element.dataset.scrolls = "";
      } else if (!found[k] && "scrolls" in element.dataset) {
        element.removeAttribute("tabindex");
        delete element.dataset.scrolls;
      }
    });
  });
  for (const element of document.querySelectorAll(
    "main :is(pre, div.math, .optedu-derivation *, .output, .pst-scrollable-table-container, .cell_output table)",
  )) {
    if (!element.closest("mjx-container")) sizes.observe(element);
  }
})();
