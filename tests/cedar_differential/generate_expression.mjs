// Expressions: a tree of {parts}, whose parts are texts and trees, so that a failing case can be shrunk. They are built towards a type,
// mostly; now and then something else is put there, and that is where the two engines must agree most.

import { isBare, quote, resolve } from "./generate_schema.mjs";

const kTexts = {
  decimal: ["1.5", "-0.0001", "922337203685477.5807", "1.00000", "1", "0.1"],
  ipaddr: ["127.0.0.1", "10.0.0.0/8", "::1", "ff00::/8", "1.2.3.4/33", "::ffff:1.2.3.4", "1.2.3"],
  datetime: ["2024-02-29", "2023-02-29", "1969-12-31T23:59:59.999Z", "2024-01-01T00:00:00+0100", "2024-01-01T24:00:00Z", "0000-01-01"],
  duration: ["1d2h3m4s5ms", "-1ms", "0s", "1h1d", "-9223372036854775808ms", "5"],
};
const kConstructors = { decimal: "decimal", ipaddr: "ip", datetime: "datetime", duration: "duration" };
const kLongs = ["0", "1", "-1", "42", "9223372036854775807", "-9223372036854775808", "007"];
const kStrings = ["", "a", "b", "name", "*", "x y", "ä\n"];

const tree = (...parts) => ({ parts });

export class ExpressionGenerator {
  constructor(random, model) {
    this.random = random;
    this.model = model;
  }

  // The variables' types in the environment that the policy is written for.
  inEnvironment(environment) {
    this.environment = environment;
    return this;
  }

  any(depth) { return this.of(this.anyType(), depth); }

  anyType() {
    const random = this.random;
    const simple = ["Bool", "Long", "String", "decimal", "ipaddr", "datetime", "duration"];
    return random.weighted([
      [6, () => ({ kind: random.pick(simple) })],
      [3, () => ({ kind: "entity", type: random.pick(this.model.types) })],
      [1, () => ({ kind: "set", element: { kind: random.pick(simple) } })],
      [1, () => ({ kind: "record", attributes: [{ name: "a", optional: false, type: { kind: "Long" } }] })],
    ])();
  }

  of(wanted, depth) {
    const random = this.random;
    if (random.chance(2)) return this.any(depth);
    const type = resolve(wanted);
    if (random.chance(30)) {
      const path = this.pathTo(type);
      if (path) return path;
    }
    if (depth > 0 && random.chance(6)) return tree("(if ", this.of({ kind: "Bool" }, depth - 1), " then ", this.of(type, depth - 1), " else ", this.of(type, depth - 1), ")");
    switch (type.kind) {
      case "Bool": return this.bool(depth);
      case "Long": return this.long(depth);
      case "String": return tree(quote(random.pick(kStrings)));
      case "entity": return this.entity(type.type);
      case "set": return this.set(type, depth);
      case "record": return this.record(type, depth);
      default: return this.extension(type.kind, depth);
    }
  }

  // A way through attributes from a variable to a value of the type, if chance finds one.
  pathTo(type) {
    const random = this.random;
    const { principal, resource, context } = this.environment;
    for (let attempts = 0; attempts < 6; ++attempts) {
      let [text, at] = random.pick([["principal", { kind: "entity", type: principal }], ["resource", { kind: "entity", type: resource }], ["context", { kind: "record", attributes: context }]]);
      for (let steps = random.between(0, 3); ; --steps) {
        if (sameKind(at, type)) return tree(text);
        const attributes = at.kind === "entity" ? at.type.attributes : at.kind === "record" ? at.attributes : [];
        if (steps === 0 || attributes.length === 0) break;
        const attribute = random.pick(attributes);
        text += access(attribute.name);
        at = resolve(attribute.type);
      }
    }
    return null;
  }

  // Something that has attributes.
  object(depth) {
    const random = this.random;
    const { principal, resource, context } = this.environment;
    let [text, attributes] = random.pick([["principal", principal.attributes], ["resource", resource.attributes], ["context", context]]);
    while (depth-- > 0 && attributes.length > 0 && random.chance(40)) {
      const attribute = random.pick(attributes);
      const type = resolve(attribute.type);
      const below = type.kind === "record" ? type.attributes : type.kind === "entity" ? type.type.attributes : null;
      if (!below) break;
      text += access(attribute.name);
      attributes = below;
    }
    return { text, attributes };
  }

  has(object) {
    const random = this.random;
    if (object.attributes.length === 0 || random.chance(10)) return { test: tree(object.text, " has ", random.pick(["a", "zz", '"if"'])), attribute: null };
    const attribute = random.pick(object.attributes);
    const below = resolve(attribute.type);
    if (below.kind === "record" && below.attributes.length > 0 && isBare(attribute.name) && random.chance(40)) {
      const inner = random.pick(below.attributes);
      if (isBare(inner.name))
        return { test: tree(object.text, ` has ${attribute.name}.${inner.name}`), attribute: inner, text: object.text + access(attribute.name) + access(inner.name) };
    }
    return { test: tree(object.text, " has ", isBare(attribute.name) && random.chance(80) ? attribute.name : quote(attribute.name)), attribute, text: object.text + access(attribute.name) };
  }

  // An attribute that is tested and then read: the guard analysis.
  guarded(depth) {
    const random = this.random;
    const { test, attribute, text } = this.has(this.object(2));
    if (!attribute) return test;
    const type = resolve(attribute.type);
    const use = type.kind === "Bool" && random.chance(50) ? tree(text) : tree("(", text, " == ", this.of(type, depth - 1), ")");
    const and = random.weighted([[8, " && "], [1, " || "]]);
    switch (random.below(8)) {
      case 0: return tree("(", test, " && ", this.of({ kind: "Bool" }, depth - 1), and, use, ")");
      case 1: return tree("((", test, random.pick([" || ", " && "]), random.chance(50) ? test : this.of({ kind: "Bool" }, 0), ") && ", use, ")");
      case 2: return tree("(if ", test, " then ", use, " else ", this.of({ kind: "Bool" }, depth - 1), ")");
      case 3: return tree("(!(", test, ")", random.pick([" || ", " && "]), use, ")");
      default: return tree("(", test, and, use, ")");
    }
  }

  tag(depth) {
    const random = this.random;
    const [text, type] = random.pick([["principal", this.environment.principal], ["resource", this.environment.resource]]);
    const key = random.chance(70) ? tree(quote(random.pick(["a", "b"]))) : this.of({ kind: "String" }, depth - 1);
    const other = random.chance(85) ? key : this.of({ kind: "String" }, 0);
    const has = tree(text, ".hasTag(", key, ")");
    if (random.chance(30)) return has;
    const value = type.tags ? resolve(type.tags) : { kind: "Bool" };
    return tree("(", has, random.chance(90) ? " && " : " || ", text, ".getTag(", other, ") == ", this.of(value, depth - 1), ")");
  }

  bool(depth) {
    const random = this.random;
    if (depth <= 0) return tree(random.pick(["true", "false"]));
    const bool = () => this.of({ kind: "Bool" }, depth - 1);
    return random.weighted([
      [2, () => tree(random.pick(["true", "false"]))],
      [5, () => tree("(", bool(), random.pick([" && ", " || "]), bool(), ")")],
      [1, () => tree("(", bool(), " && ", bool(), " && ", bool(), random.pick([" && ", " || "]), bool(), ")")],
      [2, () => tree("!(", bool(), ")")],
      [3, () => { const type = this.anyType(); return tree("(", this.of(type, depth - 1), random.pick([" == ", " != "]), this.of(type, depth - 1), ")"); }],
      [1, () => tree("(", this.any(depth - 1), " == ", this.any(depth - 1), ")")],
      [2, () => { const kind = random.pick(["Long", "datetime", "duration", "Long"]); return tree("(", this.of({ kind }, depth - 1), random.pick([" < ", " <= ", " > ", " >= "]), this.of({ kind }, depth - 1), ")"); }],
      [6, () => this.guarded(depth)],
      [2, () => this.has(this.object(2)).test],
      [3, () => this.tag(depth)],
      [3, () => this.membership(depth)],
      [2, () => this.isTest(depth)],
      [2, () => this.setTest(depth)],
      [1, () => tree("(", this.of({ kind: "String" }, depth - 1), " like ", random.pick(['"*"', '"a*"', '"\\*"', '"na*e"', '""']), ")")],
      [2, () => this.extensionTest(depth)],
      [2, () => this.actionTest()],
    ])();
  }

  long(depth) {
    const random = this.random;
    if (depth <= 0 || random.chance(50)) return tree(random.pick(kLongs));
    const long = () => this.of({ kind: "Long" }, depth - 1);
    return random.weighted([
      [3, () => tree("(", long(), random.pick([" + ", " - ", " * "]), long(), ")")],
      [1, () => tree("-(", long(), ")")],
      [1, () => tree(this.of({ kind: "duration" }, depth - 1), random.pick([".toMilliseconds()", ".toSeconds()", ".toMinutes()", ".toHours()", ".toDays()"]))],
    ])();
  }

  entity(type) {
    const random = this.random;
    if (type.short === "Action" || random.chance(1)) return tree(random.pick(this.model.actions.map(actionText)));
    return tree(`${type.name}::${quote(random.pick(type.ids && random.chance(95) ? type.ids : ["a", "b", "c"]))}`);
  }
  anyEntity() {
    const { principal, resource } = this.environment;
    return this.random.weighted([[3, () => tree("principal")], [3, () => tree("resource")], [1, () => tree("action")],
                                 [2, () => this.entity(this.random.pick([principal, resource, this.random.pick(this.model.types)]))]])();
  }

  membership(depth) {
    const random = this.random;
    const left = this.anyEntity();
    const related = random.pick(this.model.types);
    if (random.chance(40)) {
      const elements = Array.from({ length: random.between(random.chance(5) ? 0 : 1, 3) }, () => this.entity(related));
      return tree("(", left, " in [", ...elements.flatMap((e, i) => (i > 0 ? [", ", e] : [e])), "])");
    }
    return tree("(", left, " in ", random.chance(50) ? this.entity(related) : this.of({ kind: "entity", type: related }, depth - 1), ")");
  }

  isTest(depth) {
    const random = this.random;
    const type = random.pick([...this.model.types.map((t) => t.name), this.environment.principal.name, this.environment.resource.name, "Action"]);
    const test = random.chance(30) ? tree("(", this.anyEntity(), ` is ${type} in `, this.entity(random.pick(this.model.types)), ")") : tree("(", this.anyEntity(), ` is ${type})`);
    return random.chance(50) ? test : tree("(", test, " && ", this.of({ kind: "Bool" }, depth - 1), ")");
  }

  actionTest() {
    const random = this.random;
    const action = () => tree(actionText(random.pick(this.model.actions)));
    return random.weighted([
      [3, () => tree("(action == ", action(), ")")],
      [3, () => tree("(action in ", action(), ")")],
      [2, () => tree("(action in [", action(), ", ", random.chance(20) ? this.anyEntity() : action(), "])")],
      [1, () => tree("(", action(), " in ", action(), ")")],
      [1, () => tree("(action has a)")],
    ])();
  }

  set(type, depth) {
    const random = this.random;
    if (random.chance(4)) return tree("[]");
    const elements = Array.from({ length: random.between(1, 3) }, () => this.of(type.element, depth - 1));
    return tree("[", ...elements.flatMap((e, i) => (i > 0 ? [", ", e] : [e])), "]");
  }
  setTest(depth) {
    const random = this.random;
    const type = { kind: "set", element: this.anyType() };
    const set = () => this.of(type, depth - 1);
    return random.weighted([
      [2, () => tree(set(), ".contains(", this.of(type.element, depth - 1), ")")],
      [1, () => tree(set(), random.pick([".containsAll(", ".containsAny("]), set(), ")")],
      [1, () => tree(set(), ".isEmpty()")],
    ])();
  }

  record(type, depth) {
    const random = this.random;
    const parts = [];
    for (const attribute of type.attributes) {
      if (attribute.optional && random.chance(50)) continue;
      parts.push(parts.length > 0 ? ", " : "", (isBare(attribute.name) ? attribute.name : quote(attribute.name)) + ": ", this.of(attribute.type, depth - 1));
    }
    return tree("{", ...parts, "}");
  }

  extension(kind, depth) {
    const random = this.random;
    if (depth > 0 && random.chance(15)) {
      if (kind === "datetime") return random.chance(50) ? tree(this.of({ kind }, depth - 1), ".offset(", this.of({ kind: "duration" }, depth - 1), ")") : tree(this.of({ kind }, depth - 1), ".toDate()");
      if (kind === "duration") return random.chance(50) ? tree(this.of({ kind: "datetime" }, depth - 1), ".durationSince(", this.of({ kind: "datetime" }, depth - 1), ")") : tree(this.of({ kind: "datetime" }, depth - 1), ".toTime()");
    }
    const texts = kTexts[kind];
    const text = quote(random.pick(random.chance(85) ? texts.slice(0, 2) : texts));
    if (random.chance(3)) return tree(`${kConstructors[kind]}(`, this.of({ kind: "String" }, 1), ")");
    if (random.chance(2)) return tree(`${kConstructors[kind]}(${random.pick(["", text + ", " + text, "1"])})`);
    return tree(`${kConstructors[kind]}(${text})`);
  }
  extensionTest(depth) {
    const random = this.random;
    const decimal = () => this.of({ kind: "decimal" }, depth - 1);
    const ip = () => this.of({ kind: "ipaddr" }, depth - 1);
    return random.weighted([
      [1, () => tree(decimal(), `.${random.pick(["lessThan", "lessThanOrEqual", "greaterThan", "greaterThanOrEqual"])}(`, decimal(), ")")],
      [1, () => tree(ip(), random.pick([".isIpv4()", ".isIpv6()", ".isLoopback()", ".isMulticast()"]))],
      [1, () => tree(ip(), ".isInRange(", ip(), ")")],
    ])();
  }
}

function access(name) { return isBare(name) ? `.${name}` : `[${quote(name)}]`; }
export function actionText(action) { return `${action.uid.type}::${quote(action.id)}`; }
function sameKind(a, b) {
  if (a.kind !== b.kind) return false;
  if (a.kind === "entity") return a.type === b.type;
  if (a.kind === "set") return sameKind(resolve(a.element), resolve(b.element));
  return a.kind !== "record";
}
