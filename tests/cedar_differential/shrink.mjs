// Makes a failing case smaller while it still fails: fewer declarations, policies, clauses, entities, requests, smaller expressions.

// `fails` says, in time, whether a case still fails.
export async function shrink(made, fails, triesMax = 1500) {
  let best = made;
  let tries = 0;
  for (let progress = true; progress; ) {
    progress = false;
    for (const smaller of candidates(best)) {
      if (++tries > triesMax) return best;
      if (!(await fails(smaller))) continue;
      best = smaller;
      progress = true;
      break;
    }
  }
  return best;
}

function* candidates(made) {
  for (const list of ["requests", "entities", "policies", "declarations"])
    for (let i = 0; i < made[list].length; ++i) yield { ...made, [list]: made[list].filter((_, k) => k !== i) };
  for (const what of ["schema", "policies"]) if (made.edits[what] !== null) yield { ...made, edits: { ...made.edits, [what]: null } };
  if (made.isSchemaJson) yield { ...made, isSchemaJson: false };
  for (const [i, policy] of made.policies.entries()) {
    const withPolicy = (smaller) => ({ ...made, policies: made.policies.map((other, k) => (k === i ? smaller : other)) });
    for (const [k, variable] of ["principal", "action", "resource"].entries())
      if (policy.scope[k] !== variable) yield withPolicy({ ...policy, scope: policy.scope.map((part, n) => (n === k ? variable : part)) });
    for (const [k, clause] of policy.clauses.entries()) {
      yield withPolicy({ ...policy, clauses: policy.clauses.filter((_, n) => n !== k) });
      for (const body of smallerTrees(clause.body)) yield withPolicy({ ...policy, clauses: policy.clauses.map((other, n) => (n === k ? { ...clause, body } : other)) });
    }
  }
  for (const [i, entity] of made.entities.entries()) {
    const withEntity = (smaller) => ({ ...made, entities: made.entities.map((other, k) => (k === i ? smaller : other)) });
    for (let k = 0; k < entity.parents.length; ++k) yield withEntity({ ...entity, parents: entity.parents.filter((_, n) => n !== k) });
    for (const key of Object.keys(entity.attrs)) yield withEntity({ ...entity, attrs: without(entity.attrs, key) });
  }
  for (const [i, request] of made.requests.entries())
    for (const key of Object.keys(request.context))
      yield { ...made, requests: made.requests.map((other, k) => (k === i ? { ...request, context: without(request.context, key) } : other)) };
}

function without(object, key) { return Object.fromEntries(Object.entries(object).filter(([name]) => name !== key)); }

function* smallerTrees(tree) {
  if (typeof tree === "string") return;
  for (const part of tree.parts) if (typeof part !== "string") yield part;
  for (const [i, part] of tree.parts.entries())
    for (const smaller of smallerTrees(part)) yield { parts: tree.parts.map((other, k) => (k === i ? smaller : other)) };
}
