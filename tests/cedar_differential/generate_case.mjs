// Whole cases: schema, policies, entities, requests. Everything random comes from the seed, so a case can be made again.

import { ExpressionGenerator, actionText } from "./generate_expression.mjs";
import { generateSchema, joinDeclarations, printDeclarations, quote, resolve } from "./generate_schema.mjs";
import { mutate } from "./mutate.mjs";
import { Random } from "./random.mjs";

const kIds = ["a", "b", "c"];

export function generateCase(seed) {
  const random = new Random(seed);
  const model = generateSchema(random);
  const expressions = new ExpressionGenerator(random, model);
  const made = {
    seed,
    declarations: printDeclarations(random, model),
    policies: Array.from({ length: random.between(1, 4) }, () => generatePolicy(random, model, expressions)),
    entities: generateEntities(random, model),
    requests: Array.from({ length: random.between(1, 4) }, () => generateRequest(random, model)),
    isSchemaJson: random.chance(20),
    edits: { schema: null, policies: null },
  };
  // Near misses: texts that are almost right.
  if (random.chance(12)) made.edits.schema = random.bits();
  if (random.chance(25)) made.edits.policies = random.bits();
  return made;
}

// What both engines are given.
export function render(made) {
  let schema = joinDeclarations(made.declarations);
  let policies = made.policies.map(printPolicy).join("\n");
  if (made.edits.schema !== null) schema = mutate(schema, new Random(made.edits.schema));
  if (made.edits.policies !== null) policies = mutate(policies, new Random(made.edits.policies));
  return { schema, policies, entities: made.entities, requests: made.requests };
}

export function printTree(tree) { return typeof tree === "string" ? tree : tree.parts.map(printTree).join(""); }
function printPolicy(policy) {
  const clauses = policy.clauses.map((clause) => ` ${clause.kind} { ${printTree(clause.body)} }`).join("");
  return `${policy.annotations}${policy.effect}(${policy.scope.join(", ")})${clauses};`;
}

function generatePolicy(random, model, expressions) {
  const applicable = model.actions.filter((action) => action.principals.length > 0);
  const action = random.pick(applicable.length > 0 && random.chance(95) ? applicable : model.actions);
  const any = () => random.pick(model.types);
  const principal = action.principals.length > 0 ? random.pick(action.principals) : any();
  const resource = action.resources.length > 0 ? random.pick(action.resources) : any();
  const environment = { principal, resource, context: action.context, action };
  expressions.inEnvironment(environment);
  const clauses = Array.from({ length: random.weighted([[1, 0], [6, 1], [3, 2], [1, 3]]) }, () => ({
    kind: random.chance(80) ? "when" : "unless",
    body: expressions.of({ kind: "Bool" }, random.between(1, 4)),
  }));
  return {
    annotations: random.chance(5) ? random.pick(['@id("x") ', "@if ", '@a @b("\\u{1F600}") ']) : "",
    effect: random.chance(70) ? "permit" : "forbid",
    scope: [constraint(random, model, "principal", principal), actionConstraint(random, model, action), constraint(random, model, "resource", resource)],
    clauses,
  };
}

function constraint(random, model, variable, wanted) {
  const type = random.chance(93) ? wanted : random.pick(model.types);
  const entity = (of) => `${of.name}::${quote(random.pick(of.ids && random.chance(90) ? of.ids : kIds))}`;
  const above = () => (wanted.parents.length > 0 && random.chance(80) ? random.pick(wanted.parents) : random.chance(50) ? wanted : random.pick(model.types));
  return random.weighted([
    [3, () => variable],
    [4, () => `${variable} is ${type.name}`],
    [1, () => `${variable} == ${entity(type)}`],
    [2, () => `${variable} in ${entity(above())}`],
    [1, () => `${variable} is ${type.name} in ${entity(above())}`],
  ])();
}

function actionConstraint(random, model, wanted) {
  const action = () => actionText(random.chance(85) ? wanted : random.pick(model.actions));
  return random.weighted([
    [2, () => "action"],
    [5, () => `action == ${action()}`],
    [2, () => `action in ${actionText(wanted.parents.length > 0 ? random.pick(wanted.parents) : wanted)}`],
    [2, () => `action in [${action()}, ${actionText(random.pick(model.actions))}]`],
    [1, () => `action in [${random.chance(80) ? action() : ""}]`],
  ])();
}

// -- Data ------------------------------------------------------------------------------------------------------------------------

const kJsonTexts = {
  decimal: ["1.5", "0.1", "-2.25"],
  ipaddr: ["127.0.0.1", "10.0.0.0/8", "::1"],
  datetime: ["2024-02-29", "1969-12-31T23:59:59.999Z"],
  duration: ["1h", "-1ms", "0s"],
};
const kConstructors = { decimal: "decimal", ipaddr: "ip", datetime: "datetime", duration: "duration" };

function reference(random, type) { return { type: type.name, id: random.pick(type.ids && random.chance(97) ? type.ids : kIds) }; }

function valueOf(random, model, wanted, depth = 4) {
  if (random.chance(1)) return random.pick([1, "a", true, [], {}, null, 1.5, { __extn: { fn: "ip", arg: "1.2.3" } }, { __entity: { type: "User", id: "a" } }]);
  const type = resolve(wanted);
  switch (type.kind) {
    case "Bool": return random.chance(50);
    case "Long": return random.pick([0, 1, -1, 42, 9007199254740991]);
    case "String": return random.pick(["", "a", "b", "name"]);
    case "entity": {
      const uid = reference(random, type.type);
      return random.chance(70) ? { __entity: uid } : uid;
    }
    case "set": return depth <= 0 ? [] : Array.from({ length: random.below(4) }, () => valueOf(random, model, type.element, depth - 1));
    case "record": return recordOf(random, model, type.attributes, depth);
    default: {
      const text = random.pick(kJsonTexts[type.kind]);
      const call = { fn: kConstructors[type.kind], arg: text };
      return random.weighted([[4, { __extn: call }], [3, text], [2, call]]);
    }
  }
}

function recordOf(random, model, attributes, depth = 4) {
  const record = {};
  for (const attribute of attributes) {
    if (random.chance(attribute.optional ? 40 : 1)) continue;
    record[attribute.name] = valueOf(random, model, attribute.type, depth - 1);
  }
  if (random.chance(1)) record.extra = 1;
  return record;
}

function generateEntities(random, model) {
  const slots = model.types.flatMap((type) => (type.ids ?? kIds).map((id) => ({ type, id }))).filter(() => random.chance(50));
  const entities = slots.map((slot, index) => {
    // Parents come later in the list, so that there are cycles only by intent.
    const candidates = (random.chance(98) ? slots.slice(index + 1) : slots).filter((other) => slot.type.parents.includes(other.type) || random.chance(1));
    const entity = {
      uid: random.chance(90) ? { type: slot.type.name, id: slot.id } : { __entity: { type: slot.type.name, id: slot.id } },
      attrs: recordOf(random, model, slot.type.attributes),
      parents: random.some(candidates, 0, 2).map((other) => ({ type: other.type.name, id: other.id })),
    };
    if (slot.type.parents.length > 0 && random.chance(30)) entity.parents.push(reference(random, random.pick(slot.type.parents)));
    if (slot.type.tags ? random.chance(60) : random.chance(1)) {
      entity.tags = {};
      for (const key of random.some(["a", "b"], 0, 2)) entity.tags[key] = valueOf(random, model, slot.type.tags ?? { kind: "Bool" });
    }
    return entity;
  });
  if (random.chance(5)) {
    const action = random.pick(model.actions);
    entities.push({ uid: action.uid, attrs: {}, parents: action.parents.map((parent) => parent.uid) });
  }
  return entities;
}

function generateRequest(random, model) {
  const applicable = model.actions.filter((action) => action.principals.length > 0);
  const action = random.pick(applicable.length > 0 && random.chance(97) ? applicable : model.actions);
  const of = (types) => reference(random, random.pick(types.length > 0 && random.chance(97) ? types : model.types));
  return { principal: of(action.principals), action: action.uid, resource: of(action.resources), context: recordOf(random, model, action.context) };
}
