// Texts that are almost right: a token lost, doubled, moved or replaced, an escape or a space changed.

const kToken = /"(?:\\.|[^"\\])*"|[A-Za-z_][A-Za-z0-9_]*|[0-9]+|::|[=!<>]=|&&|\|\||\s+|./gsu;
const kReplacements = ["(", ")", "{", "}", "[", "]", ",", ";", ":", "::", ".", "==", "=", "!", "-", "--", "!!!!", "!!!!!", "&&", "||", "in", "is", "has", "like", "if", "then",
  "else", "true", "principal", "action", "resource", "context", "when", "unless", "permit", "forbid", "entity", "type", "namespace", "appliesTo", "tags", "enum", "Set", "Set<Long>",
  "Long", "__cedar", "?", "?principal", "?resource", "@", "@a", '@a("b")', '"a"', '"\\*"', '"\\u{41}"', '"\\u{110000}"', '"\\x7f"', '"\\x80"', '"\\q"', "0", "1", "9223372036854775808", "-9223372036854775808",
  "Action", 'Action::"view"', 'User::"a"', "ip", "decimal", ".contains", ".isEmpty()", ".foo()", "*", "/", "%", "<", ">", "+", "//x\n", "/*x*/", "\u00a0", "\u200b", "\ufeff", "\r", "'a'", "é"];

export function mutate(text, random) {
  const tokens = text.match(kToken) ?? [];
  for (let edits = random.weighted([[6, 1], [2, 2], [1, 3]]); edits > 0 && tokens.length > 0; --edits) {
    const at = random.below(tokens.length);
    random.weighted([
      [3, () => tokens.splice(at, 1)],
      [2, () => tokens.splice(at, 0, tokens[at])],
      [4, () => (tokens[at] = random.pick(kReplacements))],
      [3, () => tokens.splice(at, 0, " ", random.pick(kReplacements), " ")],
      [2, () => (tokens[at] = random.pick(tokens))],
      [1, () => tokens.splice(at, 0, random.pick(tokens))],
    ])();
  }
  return tokens.join("");
}
