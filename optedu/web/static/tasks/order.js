// How an order of a proof's blocks is judged: the same as optedu.exercise.Proof does in Python.
// `needs` gives, for the letter of each block, the letters that it needs; null for a distractor.

/** All that each step needs, directly or not. */
export function closure(needs) {
  const before = {};
  const reach = (one) => {
    before[one] ??= new Set(needs[one].flatMap((other) => [other, ...reach(other)]));
    return before[one];
  };
  Object.keys(needs).filter((one) => needs[one]).forEach(reach);
  return before;
}

/** The fewest blocks to move: as many as the largest matching of the contradictions has. */
function moves(before, used) {
  const later = used.map((one, k) => used.slice(k + 1).filter((other) => before[one].has(other)));
  const partner = {};
  const matched = (k, seen) => later[k].some((other) => {
    if (seen.has(other)) return false;
    seen.add(other);
    if (other in partner && !matched(partner[other], seen)) return false;
    partner[other] = k;
    return true;
  });
  return used.filter((_, k) => matched(k, new Set())).length;
}

/** How much of an order is right, from 0 to 1. */
export function score(needs, order) {
  const steps = Object.values(needs).filter(Boolean).length;
  const used = order.filter((one) => needs[one]);
  const faults = steps - used.length + order.length - used.length + moves(closure(needs), used);
  return Math.max(0, 1 - faults / steps);
}

/** What is wrong: blocks that do not belong, pairs in the wrong order, how many steps are missing. */
export function faults(needs, order) {
  return {
    foreign: order.filter((one) => !needs[one]),
    early: order.flatMap((one, k) => (needs[one] ?? [])
      .filter((other) => order.indexOf(other) > k).map((other) => [one, other])),
    missing: Object.keys(needs).filter((one) => needs[one] && !order.includes(one)).length,
  };
}

/** Whether other orders of these steps are right too, as one that is right tells. */
export function several(needs, order) {
  const before = closure(needs);
  return order.some((one, k) => k > 0 && !before[one].has(order[k - 1]));
}
