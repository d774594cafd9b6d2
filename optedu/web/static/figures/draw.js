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
    s = String(Number(v.toFixed(5)));
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

/** A drawing context with the few shapes that the views use. */
export class Pen {
  constructor(ctx) {
    this.ctx = ctx;
  }

  /** Colours and font of the theme, for what follows. */
  begin(colours) {
    this.c = colours;
    this.ctx.font = colours.font;
    this.ctx.lineJoin = "round";
  }

  text(s, x, y, { align = "left", base = "middle", colour = this.c.text } = {}) {
    const { ctx } = this;
    ctx.fillStyle = colour;
    ctx.textAlign = align;
    ctx.textBaseline = base;
    ctx.fillText(s, x, y);
  }

  ink(colour, width = 1, dash = []) {
    this.ctx.strokeStyle = this.ctx.fillStyle = colour;
    this.ctx.lineWidth = width;
    this.ctx.setLineDash(dash);
  }

  line(...points) {
    const { ctx } = this;
    ctx.beginPath();
    for (let i = 0; i < points.length; i += 2) ctx.lineTo(points[i], points[i + 1]);
    ctx.stroke();
  }

  dot(x, y, r, fill, ring) {
    const { ctx } = this;
    ctx.beginPath();
    ctx.arc(x, y, r, 0, 7);
    if (fill) {
      ctx.fillStyle = fill;
      ctx.fill();
    }
    if (ring) {
      this.ink(ring, 1.5);
      ctx.stroke();
    }
  }

  arrow(x0, y0, x1, y1, colour) {
    const len = Math.hypot(x1 - x0, y1 - y0);
    if (!(len > 1)) return;
    const { ctx } = this;
    const a = Math.atan2(y1 - y0, x1 - x0);
    const head = Math.min(9, len * 0.6);
    const back = (k, turn) => [x1 - k * Math.cos(a + turn), y1 - k * Math.sin(a + turn)];
    this.ink(colour, 2.5);
    this.line(x0, y0, ...back(head * 0.7, 0));
    ctx.beginPath();
    ctx.moveTo(x1, y1);
    ctx.lineTo(...back(head, -0.4));
    ctx.lineTo(...back(head, 0.4));
    ctx.fill();
  }

  /** Strokes (px(t), py(t)) for t from a to b, 1,500 points or so at most. */
  path(a, b, px, py) {
    const { ctx } = this;
    const near = (v) => Math.max(-1e4, Math.min(1e4, v));
    ctx.beginPath();
    let ox = NaN, oy = NaN;
    // An odd stride, or a zigzag would show as a line.
    const stride = Math.floor((b - a) / 1500) | 1;
    for (let t = a; t <= b; t = t < b ? Math.min(b, t + stride) : b + 1) {
      const x = near(px(t)), y = near(py(t));
      if (x !== x || y !== y) {
        ox = NaN;
        continue;
      }
      if (ox !== ox) ctx.moveTo(x, y);
      else if (t === b || Math.abs(x - ox) + Math.abs(y - oy) > 0.5) ctx.lineTo(x, y);
      else continue;
      ox = x;
      oy = y;
    }
    ctx.stroke();
  }

  /** Grid lines, ticks and labels: x label below at the right, y label on top; no ticks at the side without `sy`. */
  axes({ x, y, w, h }, sx, sy, xLabel, yLabel, grid = this.c.grid) {
    this.ink(grid);
    const soft = this.c.soft;
    for (const v of sx.log ? logTicks(sx.lo, sx.hi, w / 60) : ticks(sx.lo, sx.hi, Math.max(2, w / 60))) {
      this.ink(grid);
      this.line(sx(v), y, sx(v), y + h);
      this.text(tick(v, sx), sx(v), y + h + 12, { align: "center", colour: soft });
    }
    for (const v of !sy ? [] : sy.log ? logTicks(sy.lo, sy.hi, h / 36) : ticks(sy.lo, sy.hi, Math.max(2, h / 50))) {
      this.ink(grid);
      this.line(x, sy(v), x + w, sy(v));
      this.text(tick(v, sy), x - 6, sy(v), { align: "right", colour: soft });
    }
    this.text(xLabel, x + w, y + h + 28, { align: "right" });
    this.text(yLabel, 2, y - 14);
  }
}

const tick = (v, s) => (s.log && (v < 0.01 || v > 1e3) ? "10" + sup(Math.round(Math.log10(v))) : fmt(v));
