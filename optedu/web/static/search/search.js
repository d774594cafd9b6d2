// Appended to Sphinx's searchtools.js. What a result shows is the page's text, from where the words
// stand, not the words of menus and buttons; and kappa is the letter that formulas show.
{
  const LETTERS = {
    α: "alpha", β: "beta", γ: "gamma", δ: "delta", ε: "epsilon", ϵ: "epsilon", ζ: "zeta", η: "eta",
    θ: "theta", ϑ: "theta", ι: "iota", κ: "kappa", λ: "lambda", μ: "mu", ν: "nu", ξ: "xi", π: "pi",
    ρ: "rho", σ: "sigma", τ: "tau", υ: "upsilon", φ: "phi", ϕ: "phi", χ: "chi", ψ: "psi", ω: "omega",
  };
  const lettersOf = (name) => Object.keys(LETTERS).filter((letter) => LETTERS[letter] === name);
  const NO_TEXT = ".headerlink, script, style, template, button, h1, summary, .task-answers";

  // A query in letters asks for their names, as the index has them.
  const parse = Search._parseQuery;
  Search._parseQuery = (query) => {
    const named = query.replace(/[α-ωϑϕϵ]/gi, (letter) => ` ${LETTERS[letter.toLowerCase()] ?? letter} `);
    const parsed = parse(named);
    for (const word of [...parsed[3]]) for (const letter of lettersOf(word)) parsed[3].add(letter);
    return parsed;
  };

  Search.htmlToText = (source, anchor, leftOut = NO_TEXT) => {
    const page = new DOMParser().parseFromString(source, "text/html");
    const article = page.querySelector("article.bd-article") ?? page.querySelector('[role="main"]');
    const part = (anchor && page.getElementById(decodeURIComponent(anchor.slice(1)))) || article;
    if (!part) return "";
    part.querySelectorAll(leftOut).forEach((element) => element.remove());
    // A term of the glossary stands before what explains it.
    part.querySelectorAll("dt").forEach((term) => term.append(": "));
    const beside = part.tagName === "DT" ? `: ${part.nextElementSibling?.textContent ?? ""}` : "";
    return (part.textContent.trim() + beside).replace(/\s+/g, " ").trim();
  };

  Search.makeSearchSummary = (source, stems, anchor) => {
    const asked = (new URLSearchParams(location.search).get("q") ?? "").trim();
    // The query as it is, then its words and letters, at the beginning of a word, then anywhere.
    const words = [asked, ...Search._parseQuery(asked)[3], ...stems].filter((word) => word);
    const escaped = words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    const patterns = [...escaped.map((word) => `(?<![\\p{L}\\p{N}])${word}`), ...escaped];
    const placeIn = (text) =>
      patterns.map((pattern) => text.search(new RegExp(pattern, "iu"))).find((at) => at >= 0);
    // What is said comes before what is programmed.
    let text = Search.htmlToText(source, anchor, `${NO_TEXT}, pre`);
    let place = placeIn(text);
    if (place === undefined) {
      text = Search.htmlToText(source, anchor);
      place = placeIn(text) ?? 0;
    }
    if (!text) return null;
    const from = Math.max(place - 80, 0);
    const start = from && text.indexOf(" ", from) + 1;
    const end = start + 240 < text.length ? text.lastIndexOf(" ", start + 240) : text.length;
    const summary = document.createElement("p");
    summary.className = "context";
    summary.textContent =
      (start ? "… " : "") + text.slice(start, end) + (end < text.length ? " …" : "");
    return summary;
  };
}
