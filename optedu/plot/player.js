(() => {
  const root = document.getElementById("__ID__");
  if (!root) return;
  const data = JSON.parse(root.querySelector('script[type="application/json"]').textContent);
  const canvas = root.querySelector("canvas");
  const button = root.querySelector("button");
  const slider = root.querySelector("input");
  const output = root.querySelector("output");
  const [left, top, right, bottom, xLow, xHigh, yLow, yHigh] = data.box;
  const last = data.steps.length - 1;
  let frame = 0;

  function draw() {
    const scale = window.devicePixelRatio || 1;
    const width = canvas.clientWidth;
    const height = canvas.clientHeight;
    if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
      canvas.width = Math.round(width * scale);
      canvas.height = Math.round(height * scale);
    }
    const c = canvas.getContext("2d");
    c.setTransform(scale, 0, 0, scale, 0, 0);
    c.clearRect(0, 0, width, height);
    c.save();
    c.beginPath();
    c.rect(left * width, top * height, (right - left) * width, (bottom - top) * height);
    c.clip();
    const at = ([x, y]) => [
      (left + ((x - xLow) / (xHigh - xLow)) * (right - left)) * width,
      (bottom - ((y - yLow) / (yHigh - yLow)) * (bottom - top)) * height,
    ];
    const now = Math.floor(frame);
    for (const run of data.runs) {
      if (!run.points.length) continue;
      const end = Math.min(now, run.points.length - 1);
      for (const [color, line] of [["white", 4], [run.color, 1.8]]) {
        c.beginPath();
        for (let i = 0; i <= end; i++) c.lineTo(...at(run.points[i]));
        c.lineJoin = "round";
        c.strokeStyle = color;
        c.lineWidth = line;
        c.stroke();
      }
    }
    for (const run of data.runs) {
      if (!run.points.length) continue;
      const [x, y] = at(run.points[Math.min(now, run.points.length - 1)]);
      c.beginPath();
      c.arc(x, y, 5, 0, 2 * Math.PI);
      c.fillStyle = run.color;
      c.fill();
      c.strokeStyle = "white";
      c.lineWidth = 1.2;
      c.stroke();
    }
    c.restore();
    slider.value = now;
    slider.setAttribute("aria-valuetext", `step ${data.steps[now]}`);
    output.textContent = `step ${data.steps[now]}`;
  }

  const stop = playing({
    root,
    button,
    seconds: data.seconds,
    length: last,
    at: frame,
    show(place) {
      frame = place;
      draw();
    },
  });
  slider.addEventListener("input", () => {
    frame = Number(slider.value);
    stop(frame);
    draw();
  });
  new ResizeObserver(draw).observe(canvas);
  draw();
})();
