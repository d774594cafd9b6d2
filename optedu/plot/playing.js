// What the drawings that play share. It goes from 0 to `length` in so many seconds, by its button,
// and once by itself when it comes into view; `show` draws a place on the way. What it returns
// stops it, for a slider that goes elsewhere.
function playing({ root, button, seconds, length, at, show }) {
  let on = false;
  let before = 0;

  function set(value) {
    on = value;
    button.textContent = on ? "Pause" : "Play";
    if (!on) return;
    if (at >= length) at = 0;
    before = performance.now();
    requestAnimationFrame(tick);
  }

  function tick(time) {
    if (!on || !root.isConnected) return;
    // A frame's time may lie before the click that asked for it.
    at = Math.min(length, at + (Math.max(0, time - before) / 1000 / seconds) * length);
    before = time;
    show(at);
    if (at >= length) set(false);
    else requestAnimationFrame(tick);
  }

  button.addEventListener("click", () => set(!on));
  if (!window.matchMedia("(prefers-reduced-motion: reduce)").matches) {
    const seen = new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) {
        seen.disconnect();
        set(true);
      }
    });
    seen.observe(root);
  }
  return (place) => {
    set(false);
    at = place;
  };
}
