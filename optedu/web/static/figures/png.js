// A figure as one picture. Loaded when a reader saves it.
import { fmt } from "./draw.js";

/** All views of a figure, its legend and its settings on one canvas. */
export function picture(fig) {
  const pad = 16;
  const r = 2;
  const rows = [];
  for (const v of fig.views) {
    const top = v.el.offsetTop;
    const row = rows.find((o) => o.top === top);
    if (row) row.views.push(v);
    else rows.push({ top, views: [v] });
  }
  const width = Math.max(...rows.map((o) => o.views.reduce((s, v) => s + v.w + pad, pad)), 420);
  const height = rows.reduce((s, o) => s + o.views[0].h + pad, 0) + 44 + 20 * fig.runs.length;
  const canvas = document.createElement("canvas");
  canvas.width = width * r;
  canvas.height = height * r;
  const ctx = canvas.getContext("2d");
  const c = fig.colours;
  ctx.scale(r, r);
  ctx.fillStyle = c.paper;
  ctx.fillRect(0, 0, width, height);
  ctx.fillStyle = c.text;
  ctx.font = "bold " + c.font;
  ctx.fillText(fig.shown.title ?? fig.problem.title, pad, 24);
  let y = 36;
  for (const row of rows) {
    let x = pad;
    for (const v of row.views) {
      ctx.drawImage(v.canvas, x, y, v.w, v.h);
      x += v.w + pad;
    }
    y += row.views[0].h + pad;
  }
  ctx.font = c.font;
  fig.runs.forEach((run, i) => {
    ctx.fillStyle = run.colour;
    ctx.fillRect(pad, y + 20 * i, 14, 4);
    ctx.fillStyle = c.text;
    const hyper = run.rule.hypers.filter((k) => !k.minor || run.hyper[k.name] !== k.default)
      .map((k) => `${k.symbol || k.meaning} = ${fmt(run.hyper[k.name])}`).join(", ");
    ctx.fillText(`${run.label}: ${hyper}`, pad + 22, y + 6 + 20 * i);
  });
  return canvas;
}
