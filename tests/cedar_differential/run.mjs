// node run.mjs --oracle PATH --install FOLDER [--cases 2000] [--seed 1] [--only SEED]
// Generates cases, asks both engines, compares what they accept, decide and find valid. Closes with "N passed, N failed".
//
// The official engine is WebAssembly inside Node.js, and Node.js has been seen to abort in the middle of thousands of cases (SIGTRAP, in its own
// code). So the cases run in slices, each in a process of its own; a slice whose process was ended by a signal is run once more, and says so.
// A second end, an error or a difference is a failure.

import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { isDeepStrictEqual } from "node:util";
import { generateCase, render } from "./generate_case.mjs";
import { loadOfficial, officialAnswer, schemaToJson } from "./official.mjs";
import { shrink } from "./shrink.mjs";

const kDifferencesShown = 10;
const kSkipped = 77;
const kSlice = 250;

function readOptions() {
  const options = { cases: 2000, seed: 1 };
  for (let i = 2; i < process.argv.length; i += 2) options[process.argv[i].slice(2)] = process.argv[i + 1];
  return { ...options, cases: Number(options.cases), seed: Number(options.seed) };
}

// Our engine: a line in, a line out.
class Oracle {
  constructor(path) {
    this.process = spawn(path, { stdio: ["pipe", "pipe", "inherit"] });
    this.lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
  }
  async answer(given) {
    this.process.stdin.write(JSON.stringify(given) + "\n");
    const { value, done } = await this.lines.next();
    if (done) throw new Error("cedar-oracle ended");
    return JSON.parse(value);
  }
  close() { this.process.stdin.end(); }
}

// What differs, in words; null when nothing does.
function difference(ours, theirs) {
  for (const what of ["schema", "policies", "entities"]) if (ours[what] !== theirs[what]) return `${what}: ours ${ours[what]}, official ${theirs[what]}`;
  if (theirs.hasTemplates) return null;   // ids of policies are given differently then
  if (ours.valid !== theirs.valid) return `valid: ours ${ours.valid}, official ${theirs.valid}`;
  for (let i = 0; i < theirs.answers.length; ++i)
    if (!isDeepStrictEqual(ours.answers[i], theirs.answers[i])) return `request ${i}: ours ${JSON.stringify(ours.answers[i])}, official ${JSON.stringify(theirs.answers[i])}`;
  return null;
}

const options = readOptions();
const cedar = loadOfficial(options.install);
if (!cedar) {
  console.log("skipped: the official engine is not installed and cannot be");
  process.exit(kSkipped);
}
const kCounts = ["passed", "failed", "schema", "policies", "valid", "entities", "requests", "allow"];

async function compare(oracle, made) {
  const given = render(made);
  if (made.isSchemaJson) given.schema = schemaToJson(cedar, given.schema) ?? given.schema;
  const theirs = officialAnswer(cedar, given);
  const ours = await oracle.answer(given);
  return { given, ours, theirs, difference: difference(ours, theirs) };
}

async function show(oracle, made, found, seed) {
  // The same kind of difference, so that shrinking does not wander off to another.
  const kind = found.difference.split(":")[0].replace(/ .*/, "");
  const smallest = await shrink(made, async (candidate) => (await compare(oracle, candidate)).difference?.startsWith(kind) ?? false);
  const shown = await compare(oracle, smallest);
  console.log(`--- seed ${seed}: ${shown.difference}`);
  console.log(typeof shown.given.schema === "string" ? shown.given.schema : JSON.stringify(shown.given.schema));
  console.log(shown.given.policies);
  console.log(JSON.stringify({ entities: shown.given.entities, requests: shown.given.requests }));
  console.log("ours:", shown.ours.why.join(" | "), "\nofficial:", shown.theirs.why.join(" | "));
}

async function compareSeeds(first, count) {
  const counts = Object.fromEntries(kCounts.map((what) => [what, 0]));
  const oracle = new Oracle(options.oracle);
  for (let seed = first; seed < first + count; ++seed) {
    const made = generateCase(seed);
    const found = await compare(oracle, made);
    if (found.difference !== null) {
      if (++counts.failed <= kDifferencesShown) await show(oracle, made, found, seed);
      continue;
    }
    ++counts.passed;
    for (const what of ["schema", "policies", "valid", "entities"]) counts[what] += found.theirs[what] ? 1 : 0;
    counts.requests += found.theirs.answers.filter((answer) => answer.request).length;
    counts.allow += found.theirs.answers.filter((answer) => answer.decision === "allow").length;
  }
  oracle.close();
  return counts;
}

// One slice in a process of its own. Null: the process ended without its counts.
async function compareApart(first, count, again = true) {
  const child = fork(process.argv[1], [...process.argv.slice(2), "--first", first, "--count", count]);
  let counts = null;
  child.on("message", (message) => { counts = message; });
  const [code, signal] = await once(child, "close");
  if (counts !== null && code === 0) return counts;
  console.log(`Node.js ended ${signal ? `by ${signal}` : `with exit code ${code}`} between seeds ${first} and ${first + count - 1}`);
  return signal && again ? compareApart(first, count, false) : null;
}

async function main() {
  if (options.first !== undefined) {
    const counts = await compareSeeds(Number(options.first), Number(options.count));
    process.send(counts, () => process.disconnect());
    return;
  }
  const [start, cases] = options.only ? [Number(options.only), 1] : [options.seed, options.cases];
  const counts = Object.fromEntries(kCounts.map((what) => [what, 0]));
  for (let done = 0; done < cases; done += kSlice) {
    const count = Math.min(kSlice, cases - done);
    const slice = await compareApart(start + done, count) ?? { failed: count };
    for (const what of Object.keys(slice)) counts[what] += slice[what];
  }
  console.log(`of these: ${counts.schema} schemas and ${counts.policies} policy texts accepted, ${counts.valid} valid, ${counts.entities} entity files accepted, ${counts.requests} requests decided, ${counts.allow} allowed`);
  console.log(`${counts.passed} passed, ${counts.failed} failed`);
  process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1;
}
await main();
