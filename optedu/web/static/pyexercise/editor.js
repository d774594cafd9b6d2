// A small code editor: the browser's own textarea, with coloured text drawn below it. The textarea
// keeps what people rely on: screen readers, undo, touch keyboards, spell-check off.

const WORDS = new Set(
  ("False None True and as assert async await break class continue def del elif else except " +
    "finally for from global if import in is lambda nonlocal not or pass raise return try while " +
    "with yield").split(" "),
);
const TOKEN =
  /(#.*)|([rRbBfFuU]{0,2}(?:"""[\s\S]*?(?:"""|$)|'''[\s\S]*?(?:'''|$)|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?))|(@[\w.]+)|(\b\d[\w.]*(?:(?<=[eE])[+-]\d+)?)|([A-Za-z_]\w*)/g;
const KINDS = ["comment", "string", "decorator", "number", "keyword"];

/** Cut Python into [kind, text] pairs; kind is "" for plain text. */
export function tokens(text) {
  const out = [];
  let end = 0;
  for (const match of text.matchAll(TOKEN)) {
    const which = match.slice(1).findIndex((part) => part !== undefined);
    const kind = which === 4 && !WORDS.has(match[0]) ? "" : KINDS[which];
    if (!kind) continue;
    if (match.index > end) out.push(["", text.slice(end, match.index)]);
    out.push([kind, match[0]]);
    end = match.index + match[0].length;
  }
  if (end < text.length) out.push(["", text.slice(end)]);
  return out;
}

/** Build an editor in `place`; returns { value, set(text), focus() }. */
export function editor(place, { text, label, onInput, onRun }) {
  const wrap = document.createElement("div");
  wrap.className = "pyexercise-editor";
  // Not a pre: the theme makes those reachable by keyboard, and this one is only paint.
  const below = document.createElement("div");
  below.className = "paint";
  below.setAttribute("aria-hidden", "true");
  const area = document.createElement("textarea");
  Object.assign(area, { spellcheck: false, autocapitalize: "off", autocomplete: "off", wrap: "off" });
  area.setAttribute("autocorrect", "off");
  area.setAttribute("aria-label", label);
  area.value = text;
  const lines = document.createElement("div");
  lines.className = "lines";
  lines.setAttribute("aria-hidden", "true");
  wrap.append(below, area, lines);
  place.replaceWith(wrap);

  const draw = () => {
    below.replaceChildren(
      ...tokens(area.value).map(([kind, part]) => {
        if (!kind) return part;
        const span = document.createElement("span");
        span.className = `py-${kind}`;
        span.textContent = part;
        return span;
      }),
      "\n",
    );
    const count = area.value.split("\n").length;
    lines.textContent = Array.from({ length: count }, (_, k) => k + 1).join("\n") + "\n\n";
    area.rows = Math.min(Math.max(count, 4), 40);
  };
  const follow = () => {
    below.scrollLeft = area.scrollLeft;
    below.scrollTop = lines.scrollTop = area.scrollTop;
  };
  // The one way of changing text that keeps the browser's undo.
  const insert = (piece) => document.execCommand("insertText", false, piece);

  const keys = (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      onRun();
    } else if (event.key === "Escape") {
      // Escape, then Tab, leaves the editor: nobody is trapped in it.
      leaving = true;
    } else if (event.key === "Tab" && !leaving && !event.ctrlKey && !event.altKey) {
      event.preventDefault();
      shift(event.shiftKey);
    } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      const line = area.value.slice(0, area.selectionStart).split("\n").pop();
      insert("\n" + line.match(/^ */)[0] + (/:\s*(#.*)?$/.test(line) ? "    " : ""));
    } else if (event.key !== "Shift") {
      leaving = false;
    }
  };
  let leaving = false;
  const shift = (back) => {
    const { selectionStart: from, selectionEnd: to, value } = area;
    if (from === to && !back) return insert(" ".repeat(4 - ((from - value.lastIndexOf("\n", from - 1) - 1) % 4)));
    const start = value.lastIndexOf("\n", from - 1) + 1;
    const stop = value.indexOf("\n", Math.max(to - 1, start));
    const end = stop < 0 ? value.length : stop;
    const old = value.slice(start, end);
    const next = old.replace(/^.*$/gm, (line) => (back ? line.replace(/^ {1,4}/, "") : line && "    " + line));
    if (next === old) return;
    area.setSelectionRange(start, end);
    next ? insert(next) : document.execCommand("delete");
    if (from !== to) area.setSelectionRange(start, start + next.length);
  };
  area.addEventListener("keydown", keys);
  area.addEventListener("blur", () => (leaving = false));
  area.addEventListener("scroll", follow);
  area.addEventListener("input", () => {
    draw();
    follow();
    onInput(area.value);
  });
  draw();
  return {
    get value() {
      return area.value;
    },
    set(next) {
      area.focus();
      area.select();
      insert(next);
      area.setSelectionRange(0, 0);
    },
    focus: () => area.focus(),
  };
}
