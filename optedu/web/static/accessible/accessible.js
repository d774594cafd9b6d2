// What scrolls sideways can be scrolled with the keyboard. Which formulas and tables are too wide
// depends on the screen, so this looks again when the page's width changes.
(() => {
  const update = () => {
    for (const element of document.querySelectorAll(
      "main :is(div.math, .optedu-derivation *, .output, .pst-scrollable-table-container, .cell_output table)",
    )) {
      const wide = element.scrollWidth > element.clientWidth + 1;
      const scrolls = wide && /auto|scroll/.test(getComputedStyle(element).overflowX);
      if (scrolls && !element.hasAttribute("tabindex")) {
        element.tabIndex = 0;
        element.dataset.scrolls = "";
      } else if (!scrolls && "scrolls" in element.dataset) {
        element.removeAttribute("tabindex");
        delete element.dataset.scrolls;
      }
    }
  };
  let timer;
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(update, 200);
  };
  addEventListener("load", () => {
    new ResizeObserver(later).observe(document.querySelector("main") ?? document.body);
    // Formulas have no width before MathJax has set them.
    window.MathJax?.startup?.promise?.then(later);
    later();
  });
})();
