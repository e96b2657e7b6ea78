// Schemas: a model that the other generators read, and its text, a list of pieces so that it can be shrunk.

const kAttributeNames = ["a", "b", "name", "if", "x y", "principal", "type", "n"];
const kSimple = ["Bool", "Long", "String", "decimal", "ipaddr", "datetime", "duration"];

export function quote(text) { return JSON.stringify(text).replace(/\\u([0-9a-f]{4})/g, "\\u{$1}").replace(/\\[bf]/g, (c) => (c === "\\b" ? "\\u{8}" : "\\u{c}")); }
export function isBare(name) {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !/^(true|false|if|then|else|in|is|like|has)$/.test(name);
}
const bareOrQuoted = (name) => (isBare(name) ? name : quote(name));

export function generateSchema(random) {
  const spaces = random.weighted([[5, [""]], [2, ["N"]], [2, ["", "N"]], [1, ["", "N", "N::M"]]]);
  const model = { types: [], actions: [], commons: [] };
  const names = random.some(["User", "Group", "Doc", "A", "B", "Long", "decimal", "Set"], 2, 5);
  if (random.chance(70)) names.splice(0, names.length, ...random.some(["User", "Group", "Doc", "A", "B"], 2, 5));
  for (const name of names) {
    const space = random.pick(spaces);
    const type = { space, short: name, name: space ? `${space}::${name}` : name, attributes: [], parents: [], tags: null, ids: null };
    if (random.chance(12)) type.ids = random.some(["a", "b", "c", ""], 1, 3);
    model.types.push(type);
  }
  // A name of the empty namespace may be declared nowhere else; mostly we keep to it.
  for (const space of spaces)
    for (let i = random.below(3); i > 0; --i) {
      const name = random.pick(["T", "R", "P", "ipaddr"]);
      if (model.commons.some((common) => common.short === name) && random.chance(90)) continue;
      model.commons.push({ space, short: name, name: space ? `${space}::${name}` : name, type: generateType(random, model, 2, model.commons.length > 0) });
    }
  for (const type of model.types) {
    if (type.ids) continue;
    type.parents = random.some(model.types, 0, 2);
    type.attributes = generateAttributes(random, model, 2);
    if (random.chance(30)) type.tags = generateType(random, model, 1);
  }
  const actionNames = ["view", "edit", "all", "do it", "write"];
  for (const id of random.some(actionNames, 1, 4)) {
    const space = random.pick(spaces);
    const uid = { type: space ? `${space}::Action` : "Action", id };
    const action = { space, id, uid, parents: random.some(model.actions, 0, random.chance(40) ? 2 : 0), principals: [], resources: [], context: [] };
    if (random.chance(85)) {
      action.principals = random.some(model.types, 1, 3);
      action.resources = random.some(model.types, 1, 3);
      action.context = generateAttributes(random, model, 2);
    }
    model.actions.push(action);
  }
  model.spaces = spaces;
  return model;
}

export function generateType(random, model, depth, useCommon = true) {
  const choices = [[6, "simple"], [3, "entity"]];
  if (depth > 0) choices.push([2, "set"], [2, "record"]);
  if (useCommon && model.commons.length > 0) choices.push([2, "common"]);
  switch (random.weighted(choices)) {
    case "simple": return { kind: random.pick(kSimple) };
    case "entity": return { kind: "entity", type: random.pick(model.types) };
    case "set": return { kind: "set", element: generateType(random, model, depth - 1, useCommon) };
    case "record": return { kind: "record", attributes: generateAttributes(random, model, depth - 1, useCommon) };
    default: return { kind: "common", common: random.pick(model.commons) };
  }
}

function generateAttributes(random, model, depth, useCommon = true) {
  return random.some(kAttributeNames, 0, 3).map((name) => ({ name, optional: random.chance(40), type: generateType(random, model, depth, useCommon) }));
}

// What a type is once names are looked up.
export function resolve(type) {
  let at = type;
  for (let steps = 0; at.kind === "common" && steps < 20; ++steps) at = at.common.type;
  return at;
}

// -- Text ------------------------------------------------------------------------------------------------------------------------

function referTo(random, space, target) {
  if (random.chance(3)) return target.short;
  if (target.space === space && random.chance(70)) return target.short;
  return target.name;
}

function printType(random, space, type) {
  switch (type.kind) {
    case "entity": return referTo(random, space, type.type);
    case "common": return referTo(random, space, type.common);
    case "set": return `Set<${printType(random, space, type.element)}>`;
    case "record": return printRecord(random, space, type.attributes);
    default: return random.chance(10) ? `__cedar::${type.kind}` : type.kind;
  }
}

function printRecord(random, space, attributes) {
  const all = attributes.map((a) => `${annotation(random)}${random.chance(20) ? quote(a.name) : bareOrQuoted(a.name)}${a.optional ? "?" : ""}: ${printType(random, space, a.type)}`);
  return `{ ${all.join(", ")}${all.length > 0 && random.chance(30) ? "," : ""} }`;
}

function annotation(random) {
  if (!random.chance(4)) return "";
  return random.pick(["@doc(\"what\") ", "@if ", "@a @b(\"\") ", "@a(\"x\") ", random.chance(10) ? "@a @a " : "@b "]);
}

function list(random, names) { return names.length === 1 && random.chance(50) ? names[0] : `[${names.join(", ")}]`; }

function printEntity(random, space, type) {
  if (type.ids) return `entity ${type.short} enum [${type.ids.map(quote).join(", ")}];`;
  const parents = type.parents.length > 0 || random.chance(5) ? ` in ${list(random, type.parents.map((parent) => referTo(random, space, parent)))}` : "";
  const body = type.attributes.length > 0 || random.chance(20) ? `${random.chance(50) ? " =" : ""} ${printRecord(random, space, type.attributes)}` : "";
  const tags = type.tags ? ` tags ${printType(random, space, type.tags)}` : "";
  return `entity ${type.short}${parents}${body}${tags};`;
}

function printAction(random, space, action) {
  const parent = (group) => (group.space === space && random.chance(70) ? bareOrQuoted(group.id) : `${group.uid.type}::${quote(group.id)}`);
  const parents = action.parents.length > 0 ? ` in ${list(random, action.parents.map(parent))}` : "";
  let applies = "";
  if (action.principals.length > 0) {
    const parts = [
      `principal: ${list(random, action.principals.map((type) => referTo(random, space, type)))}`,
      `resource: ${list(random, action.resources.map((type) => referTo(random, space, type)))}`,
    ];
    if (action.context.length > 0 || random.chance(50)) parts.push(`context: ${printRecord(random, space, action.context)}`);
    applies = ` appliesTo { ${parts.join(", ")}${random.chance(20) ? "," : ""} }`;
  }
  return `action ${bareOrQuoted(action.id)}${parents}${applies};`;
}

// Declarations by namespace: [{space, text}, …].
export function printDeclarations(random, model) {
  const pieces = [];
  for (const common of model.commons) pieces.push({ space: common.space, text: `${annotation(random)}type ${common.short} = ${printType(random, common.space, common.type)};` });
  for (const type of model.types) pieces.push({ space: type.space, text: annotation(random) + printEntity(random, type.space, type) });
  for (const action of model.actions) pieces.push({ space: action.space, text: annotation(random) + printAction(random, action.space, action) });
  return pieces;
}

export function joinDeclarations(pieces) {
  const spaces = [...new Set(pieces.map((piece) => piece.space))];
  return spaces
    .map((space) => {
      const texts = pieces.filter((piece) => piece.space === space).map((piece) => piece.text);
      return space === "" ? texts.join("\n") : `namespace ${space} {\n  ${texts.join("\n  ")}\n}`;
    })
    .join("\n");
}
