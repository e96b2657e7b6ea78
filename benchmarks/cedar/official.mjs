// Decides with the official WebAssembly build over the same data as ours, checks that both decide alike, and prints the ratio.
//
//   npm install --prefix /tmp/official @cedar-policy/cedar-wasm
//   CEDAR_WASM=/tmp/official/node_modules/@cedar-policy/cedar-wasm/nodejs node official.mjs build/release/bin/cedar-benchmark

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const [benchmark] = process.argv.slice(2);
if (!benchmark) {
  console.error("usage: node official.mjs PATH/TO/cedar-benchmark");
  process.exit(2);
}
const cedar = createRequire(resolve("x.js"))(process.env.CEDAR_WASM ?? "@cedar-policy/cedar-wasm/nodejs");

function medianOfOurs(policies) {
  const text = execFileSync(benchmark, [`--benchmark_filter=^decide/${policies}$`, "--benchmark_format=json"], { stdio: ["ignore", "pipe", "ignore"] });
  return JSON.parse(text).benchmarks[0].median_ns;
}

// The policies are parsed beforehand, and only the entities that a decision needs go with it: as a careful user of the build would do.
function medianOfOfficial(folder, name) {
  const read = (file) => readFileSync(join(folder, file), "utf8");
  const parsed = cedar.preparsePolicySet(name, { staticPolicies: read("policies.cedar") });
  if (parsed.type !== "success") throw new Error(JSON.stringify(parsed.errors));
  const entities = new Map(JSON.parse(read("entities.json")).map((entity) => [JSON.stringify(entity.uid), entity]));
  const calls = JSON.parse(read("requests.json")).map(({ decision, ...request }) => ({
    decision,
    call: {
      ...request, preparsedPolicySetId: name, validateRequest: false,
      entities: [request.principal, request.action, request.resource].map((uid) => entities.get(JSON.stringify(uid))).filter(Boolean),
    },
  }));
  const nanoseconds = [];
  let differences = 0;
  const deadline = Date.now() + 20_000;
  for (let round = 0; round < 3 && Date.now() < deadline; ++round) {
    for (const { decision, call } of calls) {
      const begin = process.hrtime.bigint();
      const answer = cedar.statefulIsAuthorized(call);
      nanoseconds.push(Number(process.hrtime.bigint() - begin));
      if (answer.type !== "success" || answer.response.decision !== decision) ++differences;
    }
  }
  nanoseconds.sort((a, b) => a - b);
  return { median: nanoseconds[nanoseconds.length >> 1], differences };
}

let totalDifferences = 0;
for (const policies of [10, 1_000, 10_000]) {
  const folder = mkdtempSync(join(tmpdir(), "cedar-benchmark-"));
  try {
    execFileSync(benchmark, ["--write-data", folder, String(policies)]);
    const official = medianOfOfficial(folder, `policies-${policies}`);
    const ours = medianOfOurs(policies);
    totalDifferences += official.differences;
    console.log(`${policies} policies: ours ${Math.round(ours)} ns, official ${cedar.getCedarVersion()} ${(official.median / 1000).toFixed(0)} µs, ` +
      `${Math.round(official.median / ours)} times; ${official.differences} decisions differ`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
process.exit(totalDifferences === 0 ? 0 : 1);
