(() => {
  const root = document.querySelector(".optedu-movement:not([data-live])");
  if (!root) return;
  root.dataset.live = "";
  const data = JSON.parse(root.querySelector('script[type="application/json"]').textContent);
  const button = root.querySelector("button");
  const slider = root.querySelector("input");
  const rows = [...root.querySelectorAll(".mv-row")];
  const SECONDS = 6;
  let now = 100;
  let playing = false;
  let before = 0;

  function spoken(seconds) {
    for (const [unit, factor] of [["µs", 1e6], ["ms", 1e3], ["s", 1]]) {
      const value = seconds * factor;
      if (value < 999.5 || unit === "s") return `${value.toFixed(value < 9.95 ? 1 : 0)} ${unit}`;
    }
  }

  // Seconds in calls, on memory and on the cache: what `Movement.costs` computes.
  function costs(form, size) {
    const [call, calls, memory, cached] = data.bars[form];
    const blocks = form === "blocked" ? Math.ceil(size / data.block) : 1;
    const bytes = size * data.itemsize;
    return [call * calls * blocks, memory * bytes / data.memory, cached * bytes / data.cache];
  }

  function size() {
    const exact = 10 ** Number(slider.value);
    const digit = 10 ** Math.max(0, Math.floor(Math.log10(exact)) - 1);
    return Math.round(exact / digit) * digit;
  }

  function draw() {
    const n = size();
    const all = rows.map((row) => costs(row.dataset.form, n));
    const longest = Math.max(...all.map((times) => times[0] + times[1] + times[2]));
    rows.forEach((row, k) => {
      const [, ...counts] = data.bars[row.dataset.form];
      const total = all[k][0] + all[k][1] + all[k][2];
      ["--c", "--b", "--k"].forEach((name, i) => row.querySelector("svg").style.setProperty(
        name, counts[i] ? (100 * all[k][i]) / longest / counts[i] : 0));
      row.querySelector(".mv-time").textContent =
        `${spoken(total)}, ${Math.round((100 * all[k][0]) / total)}% calls`;
      row.dataset.end = (100 * total) / longest;
    });
    const words = n.toLocaleString("en-US");
    root.querySelector(".mv-size").textContent = words;
    slider.setAttribute("aria-valuetext", `${words} parameters`);
    show();
  }

  function show() {
    root.style.setProperty("--now", now);
    for (const row of rows)
      row.classList.toggle("mv-done", now < 100 && now >= Number(row.dataset.end));
  }

  function set(on) {
    playing = on;
    button.textContent = on ? "Pause" : "Play";
    if (!on) return;
    if (now >= 100) now = 0;
    before = performance.now();
    requestAnimationFrame(tick);
  }

  function tick(time) {
    if (!playing || !root.isConnected) return;
    // A frame's time may lie before the click that asked for it.
    now = Math.min(100, now + (100 * Math.max(0, time - before)) / 1000 / SECONDS);
    before = time;
    show();
    if (now >= 100) set(false);
    else requestAnimationFrame(tick);
  }

  button.addEventListener("click", () => set(!playing));
  slider.addEventListener("input", () => {
    set(false);
    now = 100;
    draw();
  });
  root.querySelector(".mv-bar").hidden = false;
  draw();

  // It plays once when it comes into view, unless the reader prefers no motion.
  if (!window.matchMedia("(prefers-reduced-motion: reduce)").matches) {
    const seen = new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) {
        seen.disconnect();
        set(true);
      }
    });
    seen.observe(root);
  }
})();
