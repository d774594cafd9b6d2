// A chapter as slides, for who teaches with it: the address of its page with ?slides. They are
// made from the page as it stands, so figures move and exercises run on them.

// What gets a slide of its own, together with the paragraph before it.
const STATEMENT = ".proof:is(.definition, .lemma, .proposition, .theorem, .corollary)";
const SHOWN = `.optedu-predicted, figure, opt-figure, ${STATEMENT}, .inshort, .task, .task-series,
  .pyexercise, .pst-scrollable-table-container, .math.notranslate, .cell:not(.tag_setup, .tag_check)`;
// What a class does not look at together: proofs, what is folded, how outputs were made.
const PASSED = `.tag_setup, .tag_check, details.optedu-deeper, .proof:not(${STATEMENT})`;

/** The slides of a section, each a list of its elements. */
function slidesOf(section) {
  const heading = section.querySelector(":scope > :is(h1, h2, h3)");
  const slides = [], text = [], inner = []; // prettier-ignore
  for (const child of section.children) {
    if (child === heading || child.matches(PASSED)) continue;
    if (child.matches("section")) inner.push(...slidesOf(child));
    else if (child.matches(SHOWN)) {
      slides.push([heading, ...text.splice(0).slice(-1), child]);
    } else text.push(child);
  }
  if (!slides.length && text.length) slides.push([heading, ...text]);
  return [...slides.map((slide) => slide.filter(Boolean)), ...inner];
}

/** Hide all that is not, does not hold and does not lie in one of these elements. */
function showOnly(kept, node = document.body) {
  for (const child of node.children) {
    const holds = kept.some((element) => child.contains(element));
    child.toggleAttribute("data-off", !holds);
    if (holds && !kept.includes(child)) showOnly(kept, child);
  }
}

function start() {
  const article = document.querySelector(".bd-article > section");
  const slides = article ? slidesOf(article) : [];
  if (!slides.length) return;
  const bar = document.createElement("nav");
  bar.className = "optedu-slides-bar";
  bar.setAttribute("aria-label", "Slides");
  bar.innerHTML = `<button type="button" aria-label="Slide before">‹</button>
    <output aria-live="polite"></output><button type="button" aria-label="Next slide">›</button>
    <a>Page</a>`;
  const [back, on] = bar.querySelectorAll("button");
  document.body.append(bar);
  document.documentElement.classList.add("optedu-slides");
  const address = new URL(location);
  let now = 0;

  function go(to) {
    now = Math.min(Math.max(to, 0), slides.length - 1);
    showOnly([...slides[now], bar]);
    bar.querySelector("output").textContent = `${now + 1} of ${slides.length}`;
    [back.disabled, on.disabled] = [now === 0, now === slides.length - 1];
    address.searchParams.set("slides", now + 1);
    history.replaceState(null, "", address);
    // To the same place of the page.
    const id = slides[now].at(-1).closest("section[id]")?.id ?? "";
    bar.querySelector("a").href = `${location.pathname}#${id}`;
    scrollTo(0, 0);
    dispatchEvent(new Event("resize")); // what was drawn unseen has no size yet
  }

  back.onclick = () => go(now - 1);
  on.onclick = () => go(now + 1);
  addEventListener("keydown", (event) => {
    // What is being used has its keys for itself: a slider moves, an answer is typed.
    const used = event.target !== document.body && !bar.contains(event.target);
    if (used || event.ctrlKey || event.altKey || event.metaKey) return;
    const to = {
      ArrowRight: now + 1, PageDown: now + 1, ArrowLeft: now - 1, PageUp: now - 1,
      Home: 0, End: slides.length,
    }[event.key]; // prettier-ignore
    if (to !== undefined) {
      event.preventDefault();
      go(to);
    }
  });
  go(Number.parseInt(address.searchParams.get("slides"), 10) - 1 || 0);
}

// Questions that follow one another have been gathered by then.
if (document.readyState === "complete") start();
else addEventListener("load", start);
