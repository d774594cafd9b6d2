// What the scripts of questions and proofs share.
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
