// Drawing on a canvas: scales, ticks, numbers, the shaded surface. No library.

const SUP = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };
const sup = (k) => String(k).replace(/./g, (c) => SUP[c] ?? c);

/** A number for a label: four significant digits at most, powers of ten outside 1e-3 .. 1e5. */
export function fmt(v, digits = 3) {
  if (v === undefined || v === null || v !== v) return "–";
  if (!Number.isFinite(v)) return v > 0 ? "∞" : "−∞";
  if (v === 0) return "0";
  const a = Math.abs(v);
  let s;
  if (a >= 1e5 || a < 1e-4) {
    const [m, e] = v.toExponential(digits - 1).split("e");
    const mant = String(Number(m));
    s = (mant === "1" ? "" : mant === "-1" ? "-" : mant + "·") + "10" + sup(Number(e));
  } else if (a > 0.9 && a < 1) {
    s = String(Number(v.toFixed(6)));
  } else {
    s = String(Number(v.toPrecision(digits)));
  }
  return s.replace(/^-/, "−");
}

/** Round numbers between lo and hi, about n of them. */
export function ticks(lo, hi, n = 5) {
  const raw = (hi - lo) / n;
  const mag = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].find((k) => k * mag >= raw) * mag;
  const out = [];
  for (let k = Math.ceil(lo / step - 1e-9); k * step <= hi + step * 1e-9; k++) out.push(k * step);
  return out;
}

/** Powers of ten between lo and hi, thinned to about n. */
export function logTicks(lo, hi, n = 5) {
  const a = Math.ceil(Math.log10(lo) - 1e-9);
  const b = Math.floor(Math.log10(hi) + 1e-9);
  const step = Math.max(1, Math.ceil((b - a) / n));
  const out = [];
  for (let k = Math.ceil(a / step) * step; k <= b; k += step) out.push(10 ** k);
  return out;
}

/** A map from [lo, hi] to pixels [a, b]. */
export function scale(lo, hi, a, b, log = false) {
  const f = log ? Math.log : (v) => v;
  const l = f(lo);
  const k = (b - a) / (f(hi) - l);
  const s = (v) => a + (f(v) - l) * k;
  s.invert = (p) => (log ? Math.exp(l + (p - a) / k) : l + (p - a) / k);
  s.lo = lo;
  s.hi = hi;
  s.log = log;
  return s;
}

export const rgb = (css) => {
  const n = parseInt(css.trim().slice(1), 16);
  return [n >> 16, (n >> 8) & 255, n & 255];
};
export const mix = (a, b, u) => a.map((v, i) => v + (b[i] - v) * u);

/**
 * The shaded contours of f over a window, as a canvas of w x h device pixels. Bands are equal
 * steps of a power of f, the power such that the median of f falls in the middle band: that
 * shows bowls, narrow valleys and saddles alike.
 */
export function surface(problem, sx, sy, w, h, colours) {
  const q = 3;
  const cols = Math.ceil(w / q) + 1;
  const rows = Math.ceil(h / q) + 1;
  const F = new Float64Array(cols * rows);
  const p = [0, 0];
  for (let j = 0; j < rows; j++) {
    p[1] = sy.invert(j * q);
    for (let i = 0; i < cols; i++) {
      p[0] = sx.invert(i * q);
      F[j * cols + i] = problem.f(p, 1);
    }
  }
  const sorted = Float64Array.from(F).filter(Number.isFinite).sort();
  const lo = sorted[0];
  const span = sorted[sorted.length - 1] - lo || 1;
  const median = (sorted[sorted.length >> 1] - lo) / span;
  const power = median > 0 && median < 1 ? Math.min(1, Math.log(0.5) / Math.log(median)) : 1;
  const bands = 14;
  for (let k = 0; k < F.length; k++) {
    F[k] = Number.isFinite(F[k]) ? bands * ((F[k] - lo) / span) ** power : bands;
  }
  const ramp = [];
  for (let k = 0; k <= bands + 1; k++) ramp.push(mix(colours.low, colours.high, Math.min(1, k / bands)));
  const canvas = document.createElement("canvas");
  canvas.width = w;
  canvas.height = h;
  const ctx = canvas.getContext("2d");
  const img = ctx.createImageData(w, h);
  const d = img.data;
  const line = colours.line;
  for (let y = 0, o = 0; y < h; y++) {
    const j = (y / q) | 0;
    const v = y / q - j;
    for (let x = 0; x < w; x++, o += 4) {
      const i = (x / q) | 0;
      const u = x / q - i;
      const k = j * cols + i;
      const a = F[k], b = F[k + 1], c = F[k + cols], e = F[k + cols + 1];
      const top = a + (b - a) * u;
      const bottom = c + (e - c) * u;
      const L = top + (bottom - top) * v;
      const gx = ((b - a) * (1 - v) + (e - c) * v) / q;
      const gy = (bottom - top) / q;
      const slope = Math.sqrt(gx * gx + gy * gy) + 1e-9;
      const near = Math.round(L);
      const dist = near > 0 ? Math.abs(L - near) / slope : 9;
      const ink = dist < 1.1 ? (1 - dist / 1.1) * Math.min(0.7, 0.3 / slope) : 0;
      const base = ramp[Math.min(bands, Math.max(0, Math.floor(L)))];
      for (let m = 0; m < 3; m++) d[o + m] = base[m] + (line[m] - base[m]) * ink;
      d[o + 3] = 255;
    }
  }
  ctx.putImageData(img, 0, 0);
  return canvas;
}

/** Strokes the points (xs(t), ys(t)) for t in [from, to]; drops moves of under half a pixel. */
export function stroke(ctx, from, to, px, py) {
  ctx.beginPath();
  let ox = NaN, oy = NaN, pen = false;
  for (let t = from; t <= to; t++) {
    let x = px(t), y = py(t);
    if (x !== x || y !== y) {
      pen = false;
      continue;
    }
    x = Math.max(-1e4, Math.min(1e4, x));
    y = Math.max(-1e4, Math.min(1e4, y));
    if (!pen) {
      ctx.moveTo(x, y);
      pen = true;
    } else if (t === to || Math.abs(x - ox) + Math.abs(y - oy) > 0.5) ctx.lineTo(x, y);
    else continue;
    ox = x;
    oy = y;
  }
  ctx.stroke();
}

export function dot(ctx, x, y, r, fill, ring) {
  ctx.beginPath();
  ctx.arc(x, y, r, 0, 7);
  ctx.fillStyle = fill;
  ctx.fill();
  if (ring) {
    ctx.strokeStyle = ring;
    ctx.lineWidth = 1.5;
    ctx.stroke();
  }
}

export function arrow(ctx, x0, y0, x1, y1, colour, width = 2) {
  const a = Math.atan2(y1 - y0, x1 - x0);
  const len = Math.hypot(x1 - x0, y1 - y0);
  if (!(len > 1)) return;
  const head = Math.min(9, len * 0.6);
  ctx.strokeStyle = ctx.fillStyle = colour;
  ctx.lineWidth = width;
  ctx.setLineDash([]);
  ctx.beginPath();
  ctx.moveTo(x0, y0);
  ctx.lineTo(x1 - head * 0.7 * Math.cos(a), y1 - head * 0.7 * Math.sin(a));
  ctx.stroke();
  ctx.beginPath();
  ctx.moveTo(x1, y1);
  ctx.lineTo(x1 - head * Math.cos(a - 0.4), y1 - head * Math.sin(a - 0.4));
  ctx.lineTo(x1 - head * Math.cos(a + 0.4), y1 - head * Math.sin(a + 0.4));
  ctx.fill();
}

/** Axis lines, ticks and labels around the plot area; x label at the right, y label on top. */
export function axes(ctx, box, sx, sy, c, xLabel, yLabel) {
  const { x, y, w, h } = box;
  ctx.lineWidth = 1;
  ctx.font = c.font;
  ctx.setLineDash([]);
  ctx.fillStyle = c.soft;
  ctx.textAlign = "center";
  ctx.textBaseline = "top";
  const tx = sx.log ? logTicks(sx.lo, sx.hi, w / 60) : ticks(sx.lo, sx.hi, Math.max(2, w / 80));
  for (const v of tx) {
    const p = sx(v);
    ctx.strokeStyle = c.grid;
    ctx.beginPath();
    ctx.moveTo(p, y);
    ctx.lineTo(p, y + h);
    ctx.stroke();
    if (p < x + w - 8 || !xLabel) ctx.fillText(fmt(v), p, y + h + 6);
  }
  ctx.textAlign = "right";
  ctx.textBaseline = "middle";
  const ty = sy.log ? logTicks(sy.lo, sy.hi, h / 36) : ticks(sy.lo, sy.hi, Math.max(2, h / 50));
  for (const v of ty) {
    const p = sy(v);
    ctx.beginPath();
    ctx.moveTo(x, p);
    ctx.lineTo(x + w, p);
    ctx.stroke();
    ctx.fillText(fmt(v), x - 6, p);
  }
  ctx.fillStyle = c.text;
  ctx.textAlign = "right";
  ctx.textBaseline = "bottom";
  if (xLabel) ctx.fillText(xLabel, x + w, y + h + 34);
  ctx.textAlign = "left";
  if (yLabel) ctx.fillText(yLabel, 2, y - 7);
}
