// Drags items between lists that stand below one another, with a mouse, a pen or a finger.
import { make } from "./task.js";

const SLACK = 5; // pixels that a hand shakes
const EDGE = 60; // pixels from the window's edge where the page begins to scroll

/**
 * Lets the reader drag. A finger must take an item at its `grip`, or the page would not scroll;
 * `drop(item, list, before)` is called where an item is let go.
 */
export function drag(root, lists, items, grip, drop) {
  const mark = make("li", "order-drop");
  mark.setAttribute("aria-hidden", "true");
  let held = null;

  const still = (event) => event.stopPropagation();
  const place = () => {
    const { y, item } = held;
    const list = lists.findLast((one) => one.getBoundingClientRect().top <= y) ?? lists[0];
    const others = [...list.querySelectorAll(items)].filter((one) => one !== item);
    const before = others.find((one) => {
      const { top, height } = one.getBoundingClientRect();
      return y < top + height / 2;
    });
    list.insertBefore(mark, before ?? null);
    const last = others.at(-1);
    mark.style.top = `${before ? before.offsetTop - 5 : last ? last.offsetTop + last.offsetHeight + 1 : 2}px`;
    item.style.transform = `translateY(${y + scrollY - held.from}px)`;
  };
  const scroll = () => {
    if (!held?.moving) return;
    const far = held.y < EDGE ? -8 : held.y > innerHeight - EDGE ? 8 : 0;
    if (far) {
      scrollBy({ top: far, behavior: "instant" });
      place();
    }
    requestAnimationFrame(scroll);
  };
  const end = (dropped) => {
    if (!held?.moving) return (held = null);
    const { item } = held;
    held = null;
    item.classList.remove("order-held");
    item.style.transform = "";
    const [list, before] = [mark.parentElement, mark.nextElementSibling];
    mark.remove();
    // What the hand took was no click.
    root.addEventListener("click", still, true);
    setTimeout(() => root.removeEventListener("click", still, true));
    if (dropped) drop(item, list, before === item ? item.nextElementSibling : before);
  };

  root.addEventListener("pointerdown", (event) => {
    const item = event.target.closest(items);
    const handle = event.target.closest(grip);
    if (!item || event.button || !event.isPrimary) return;
    if (!handle && (event.pointerType === "touch" || event.target.closest("button"))) return;
    held = { item, id: event.pointerId, y: event.clientY, from: event.clientY + scrollY };
  });
  root.addEventListener("pointermove", (event) => {
    if (event.pointerId !== held?.id) return;
    held.y = event.clientY;
    if (!held.moving) {
      if (Math.abs(event.clientY + scrollY - held.from) < SLACK) return;
      held.moving = true;
      // Not before the item moves, or a click on a button would be the root's.
      root.setPointerCapture(event.pointerId);
      held.item.classList.add("order-held");
      requestAnimationFrame(scroll);
    }
    place();
  });
  root.addEventListener("pointerup", (event) => event.pointerId === held?.id && end(true));
  root.addEventListener("pointercancel", () => end(false));
  addEventListener("keydown", (event) => event.key === "Escape" && end(false));
}
