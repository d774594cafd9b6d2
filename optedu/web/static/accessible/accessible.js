// What scrolls sideways can be scrolled with the keyboard. Which formulas and tables are too wide
// depends on the screen, so each is looked at when it comes near, and again when it changes width.
(() => {
  const update = (element) => {
    const wide = element.scrollWidth > element.clientWidth + 1;
    const scrolls = wide && /auto|scroll/.test(getComputedStyle(element).overflowX);
    if (scrolls && !element.hasAttribute("tabindex")) {
      element.tabIndex = 0;
      element.dataset.scrolls = "";
    } else if (!scrolls && "scrolls" in element.dataset) {
      element.removeAttribute("tabindex");
      delete element.dataset.scrolls;
    }
  };
  const sizes = new ResizeObserver((entries) => entries.forEach((entry) => update(entry.target)));
  // Measuring what is far away would make the browser lay it out.
  const near = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (isIntersecting) sizes.observe(target);
        else sizes.unobserve(target);
      }
    },
    { rootMargin: "300px" },
  );
  for (const element of document.querySelectorAll(
    "main :is(pre, div.math, .optedu-derivation *, .output, .pst-scrollable-table-container, .cell_output table)",
  )) {
    if (!element.closest("mjx-container")) near.observe(element);
  }
})();
