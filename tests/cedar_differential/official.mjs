// The official engine's answer to a case, in the form that cedar-oracle gives.

import { createRequire } from "node:module";
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

// Installs the pinned package into the folder, unless it is there. Null when that is not possible, for example without a network.
export function loadOfficial(folder) {
  const path = join(resolve(folder), "node_modules/@cedar-policy/cedar-wasm/nodejs/cedar_wasm.js");
  if (!existsSync(path)) {
    mkdirSync(folder, { recursive: true });
    copyFileSync(join(dirname(fileURLToPath(import.meta.url)), "package.json"), join(folder, "package.json"));
    try {
      execFileSync("npm", ["install", "--no-package-lock", "--no-audit", "--no-fund"], { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
    } catch {
      return null;
    }
  }
  return createRequire(import.meta.url)(path);
}

export function officialAnswer(cedar, given) {
  const why = [];
  const succeeded = (what, answer) => {
    if (answer.type !== "failure") return true;
    why.push(...answer.errors.map((error) => `${what}: ${error.message}`));
    return false;
  };
  const answer = { schema: succeeded("schema", cedar.checkParseSchema(given.schema)) };
  const parts = cedar.policySetTextToParts(given.policies);
  answer.policies = succeeded("policies", parts);
  answer.hasTemplates = answer.policies && parts.policy_templates.length > 0;
  const policies = { staticPolicies: given.policies };
  answer.valid = null;
  if (answer.schema && answer.policies && !answer.hasTemplates) {
    const validation = cedar.validate({ schema: given.schema, policies });
    if (succeeded("validation", validation)) {
      answer.valid = validation.validationErrors.length === 0;
      why.push(...validation.validationErrors.map((error) => `${error.policyId}: ${error.error.message}`));
    }
  }
  const schema = answer.schema ? { schema: given.schema } : {};
  answer.entities = succeeded("entities", cedar.checkParseEntities({ entities: given.entities, ...schema }));
  answer.answers = [];
  if (answer.policies && answer.entities && !answer.hasTemplates) answer.answers = given.requests.map((request) => {
    const decided = cedar.isAuthorized({ ...request, ...schema, validateRequest: answer.schema, policies, entities: given.entities });
    if (!succeeded("request", decided)) return { request: false };
    const { decision, diagnostics } = decided.response;
    return { request: true, decision, reason: [...diagnostics.reason].sort(), errors: [...new Set(diagnostics.errors.map((error) => error.policyId))].sort() };
  });
  return { ...answer, why };
}

// The JSON form of a schema text; null when the text is refused.
export function schemaToJson(cedar, text) {
  const answer = cedar.schemaToJson(text);
  return answer.type === "success" ? answer.json : null;
}
