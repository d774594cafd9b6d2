// Scores orders with the page's own script: `node order_node.mjs order.js < jobs.json`.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const { faults, score, several } = await import(pathToFileURL(process.argv[2]));
const judge = ({ needs, order }) => {
  const found = faults(needs, order);
  const right = !found.foreign.length && !found.early.length && !found.missing;
  return { score: score(needs, order), faults: found, several: right && several(needs, order) };
};
process.stdout.write(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(judge)));
