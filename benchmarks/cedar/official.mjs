// Decides with the official WebAssembly build over the data of `cedar-benchmark --write-data DIR POLICIES`, checks that both decide alike,
// and prints the ratio to our median.
//
//   npm install --no-save @cedar-policy/cedar-wasm        (anywhere above DIR, or set CEDAR_WASM to its folder)
//   node official.mjs DIR OUR_MEDIAN_NS

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const [folder, ourMedian] = process.argv.slice(2);
if (!folder) {
  console.error("usage: node official.mjs DIR [OUR_MEDIAN_NS]");
  process.exit(2);
}
const require = createRequire(resolve(folder, "x.js"));
const cedar = require(process.env.CEDAR_WASM ?? "@cedar-policy/cedar-wasm/nodejs");

const text = readFileSync(join(folder, "policies.cedar"), "utf8");
const entities = JSON.parse(readFileSync(join(folder, "entities.json"), "utf8"));
const requests = JSON.parse(readFileSync(join(folder, "requests.json"), "utf8"));

const parsed = cedar.preparsePolicySet("benchmark", { staticPolicies: text });
if (parsed.type !== "success") throw new Error(JSON.stringify(parsed.errors));

// Only the entities that a decision needs: what a careful user of the build would pass each time.
const byUid = new Map(entities.map((entity) => [JSON.stringify(entity.uid), entity]));
const needed = (request) =>
  [request.principal, request.action, request.resource].map((uid) => byUid.get(JSON.stringify(uid))).filter(Boolean);

const calls = requests.map((request) => ({
  expected: request.decision,
  call: {
    principal: request.principal, action: request.action, resource: request.resource, context: request.context,
    preparsedPolicySetId: "benchmark", validateRequest: false, entities: needed(request),
  },
}));

const nanoseconds = [];
let differences = 0;
for (let round = 0; round < 3; ++round) {
  for (const { expected, call } of calls) {
    const begin = process.hrtime.bigint();
    const answer = cedar.statefulIsAuthorized(call);
    const end = process.hrtime.bigint();
    if (answer.type !== "success" || answer.response.decision !== expected) ++differences;
    if (round > 0) nanoseconds.push(Number(end - begin));   // the first round warms up
  }
}
nanoseconds.sort((a, b) => a - b);
const median = nanoseconds[nanoseconds.length >> 1];
console.log(`official build ${cedar.getCedarVersion()}: median ${(median / 1000).toFixed(1)} µs over ${calls.length} requests, ${differences} decisions differ`);
if (ourMedian) console.log(`ratio: ${(median / Number(ourMedian)).toFixed(0)} times ours (${ourMedian} ns)`);
process.exit(differences === 0 ? 0 : 1);
