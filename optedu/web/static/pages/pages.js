// Sections wait (content-visibility in pages.css) until the reader comes near. From the first time
// that the page moves they are also laid out one by one when it is idle, so that the scroll bar soon
// tells the truth; before that nobody can see what it says, and a tap should find the page free.
{
  const idle = window.requestIdleCallback ?? ((act) => setTimeout(act, 50));
  const layOut = () => {
    const waiting = [...document.querySelectorAll(".bd-article section section")];
    const next = () => {
      const section = waiting.shift();
      if (!section) return;
      section.style.contentVisibility = "visible";
      requestAnimationFrame(() => idle(next));
    };
    idle(next);
  };
  // An address with a # has moved the page before this runs.
  if (scrollY > 0) layOut();
  else addEventListener("scroll", layOut, { once: true, passive: true });
}
// A chapter as slides (slides.js), where the address asks for it.
if (new URLSearchParams(location.search).has("slides")) {
  const here = document.currentScript.src;
  const style = document.createElement("link");
  style.rel = "stylesheet";
  style.href = new URL("slides.css", here);
  style.onload = () => import(new URL("slides.js", here));
  document.head.append(style);
}
