// Sections wait (content-visibility in pages.css) until the reader comes near or the page has time:
// they are laid out one by one when it is idle, so that the scroll bar soon tells the truth.
addEventListener("load", () => {
  const idle = window.requestIdleCallback ?? ((act) => setTimeout(act, 50));
  const waiting = [...document.querySelectorAll(".bd-article section section")];
  const next = () => {
    const section = waiting.shift();
    if (!section) return;
    section.style.contentVisibility = "visible";
    requestAnimationFrame(() => idle(next));
  };
  idle(next);
});
