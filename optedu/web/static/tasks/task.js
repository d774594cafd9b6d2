// What the scripts of questions, predictions and proofs share.
export function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

export function button(text, className = "") {
  return Object.assign(make("button", className, text), { type: "button" });
}

/** 1 block, 2 blocks. */
export const words = (count, one, many) => `${count} ${count === 1 ? one : many}`;

/** A number as people write it: 0,5 and 1/4 and −2e-3 too. NaN where it is none. */
export function number(text) {
  const clean = text.trim().replaceAll("−", "-").replace(/^(-?\d*),(\d+)$/, "$1.$2");
  const [over, under, ...rest] = clean.split("/").map((part) => (part.trim() ? Number(part) : NaN));
  if (rest.length) return NaN;
  const value = under === undefined ? over : over / under;
  return Number.isFinite(value) ? value : NaN;
}
