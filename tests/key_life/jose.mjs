// An independent reader and writer of what is signed and encrypted: one JSON request on standard input, one JSON answer on standard output.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import path from "node:path";

const require = createRequire(path.join(process.cwd(), "package.json"));
const jose = await import(pathToFileURL(require.resolve("jose")).href);
let text = "";
for await (const chunk of process.stdin) text += chunk;
const asked = JSON.parse(text);
const answer = {};
try {
  if (asked.do === "verify") {
    const { payload, protectedHeader } = await jose.jwtVerify(asked.token, jose.createLocalJWKSet(asked.jwks), asked.options ?? {});
    Object.assign(answer, { payload, header: protectedHeader });
  } else if (asked.do === "make") {
    const { publicKey, privateKey } = await jose.generateKeyPair(asked.alg, { extractable: true, crv: asked.crv });
    answer.public = { ...(await jose.exportJWK(publicKey)), use: "enc", alg: asked.alg, kid: "theirs" };
    answer.private = { ...(await jose.exportJWK(privateKey)), alg: asked.alg };
  } else if (asked.do === "decrypt") {
    const { plaintext, protectedHeader } = await jose.compactDecrypt(asked.token, await jose.importJWK(asked.private, asked.private.alg));
    Object.assign(answer, { text: new TextDecoder().decode(plaintext), header: protectedHeader });
  } else if (asked.do === "encrypt") {
    const header = { alg: asked.jwk.alg, enc: "A256GCM", cty: "JWT", kid: asked.jwk.kid, ...asked.header };
    answer.token = await new jose.CompactEncrypt(new TextEncoder().encode(asked.text)).setProtectedHeader(header).encrypt(await jose.importJWK(asked.jwk, header.alg));
  }
} catch (error) {
  answer.error = `${error.code ?? error.name}: ${error.message}`;
}
process.stdout.write(JSON.stringify(answer));
