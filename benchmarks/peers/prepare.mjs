// Makes what the runs send. Requests are written as writ-load reads them: each behind its length as eight hexadecimal digits.
//   node prepare.mjs issuer PORT KEYFILE         serves the key set of an issuer that the resource authorization server trusts
//   node prepare.mjs exchange OUT                one token request, leg 1 (signs alice in first)
//   node prepare.mjs id-jags OUT COUNT           COUNT token requests, leg 2, each with an ID-JAG of its own
//   node prepare.mjs calls OUT COUNT             COUNT tools/call requests of 2 KB with as many access tokens
import { createPrivateKey, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import * as client from 'openid-client';

const [what, ...args] = process.argv.slice(2);
const settings = process.env.BENCH_SETTINGS ? JSON.parse(process.env.BENCH_SETTINGS) : {};
const basic = (c) => 'Basic ' + Buffer.from(`${c.client_id}:${c.secret}`).toString('base64');
const framed = (text) => Buffer.concat([Buffer.from(Buffer.byteLength(text).toString(16).padStart(8, '0')), Buffer.from(text)]);
const post = (path, headers, body) => {
  const lines = Object.entries({ Host: `127.0.0.1:${settings.port}`, ...headers, 'Content-Length': Buffer.byteLength(body) }).map(([k, v]) => `${k}: ${v}`);
  return `POST ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body}`;
};
const form = (fields) => new URLSearchParams(fields).toString();
const formHeaders = (c) => ({ Authorization: basic(c), 'Content-Type': 'application/x-www-form-urlencoded', Accept: 'application/json' });
const atIdp = settings.clients?.[0], atRas = settings.clients?.[1];

function idJags(count) {
  const key = createPrivateKey(readFileSync(settings.issuer_key));
  const head = Buffer.from(JSON.stringify({ alg: 'ES256', typ: 'oauth-id-jag+jwt', kid: 'bench' })).toString('base64url');
  const now = Math.floor(Date.now() / 1000);
  return Array.from({ length: count }, () => {
    const claims = { iss: settings.issuer, sub: 'alice', aud: settings.ras, client_id: atRas.client_id, resource: settings.resource, scope: 'mcp', jti: randomUUID(), iat: now, exp: now + 300 };
    const signed = `${head}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`;
    return `${signed}.${sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
  });
}
const redemption = (assertion) => form({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion });

async function signIn() {
  const redirect = settings.redirect_uri;
  const config = await client.discovery(new URL(settings.idp), atIdp.client_id, atIdp.secret, client.ClientSecretBasic(atIdp.secret), { execute: [client.allowInsecureRequests] });
  const verifier = client.randomPKCECodeVerifier(), state = client.randomState();
  const url = client.buildAuthorizationUrl(config, { redirect_uri: redirect, scope: 'openid', state, code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256' });
  const { signIn: fill } = await import(settings.http_login);
  const back = await fill(url, redirect, { user: 'alice', password: 'alice-password' });
  return client.authorizationCodeGrant(config, new URL(`${redirect}?${back}`), { pkceCodeVerifier: verifier, expectedState: state, idTokenExpected: true });
}

if (what === 'issuer') {
  const [port, file] = args;
  if (!existsSync(file)) writeFileSync(file, generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  const { x, y } = createPrivateKey(readFileSync(file)).export({ format: 'jwk' });
  const keys = JSON.stringify({ keys: [{ kty: 'EC', crv: 'P-256', x, y, kid: 'bench', alg: 'ES256', use: 'sig' }] });
  createServer((_, response) => response.writeHead(200, { 'Content-Type': 'application/json' }).end(keys)).listen(+port, '127.0.0.1');
} else if (what === 'exchange') {
  const { id_token } = await signIn();
  const body = form({ grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange', requested_token_type: 'urn:ietf:params:oauth:token-type:id-jag', audience: settings.ras,
    resource: settings.resource, scope: 'mcp', subject_token: id_token, subject_token_type: 'urn:ietf:params:oauth:token-type:id_token' });
  for (const [name, path] of [['writ', '/idp/token'], ['peer', '/token']]) writeFileSync(`${args[0]}.${name}`, framed(post(path, formHeaders(atIdp), body)));
} else if (what === 'id-jags') {
  const bodies = idJags(+args[1]).map(redemption);
  for (const [name, path] of [['writ', '/ras/token'], ['peer', '/token']]) writeFileSync(`${args[0]}.${name}`, Buffer.concat(bodies.map((body) => framed(post(path, formHeaders(atRas), body)))));
} else if (what === 'calls') {
  const requests = [];
  for (const assertion of idJags(+args[1])) {
    const answer = await fetch(`${settings.ras}/token`, { method: 'POST', headers: formHeaders(atRas), body: redemption(assertion) });
    if (!answer.ok) throw new Error(`no access token: ${answer.status} ${await answer.text()}`);
    const { access_token } = await answer.json();
    const body = JSON.stringify({ jsonrpc: '2.0', id: requests.length + 1, method: 'tools/call', params: { name: 'echo', arguments: { repo: `repo-${requests.length}`, text: 'y'.repeat(1850) } } });
    requests.push(framed(post('/mcp/bench', { Authorization: `Bearer ${access_token}`, 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream', 'MCP-Protocol-Version': '2025-11-25' }, body)));
  }
  writeFileSync(args[0], Buffer.concat(requests));
} else {
  console.error('prepare.mjs: issuer, exchange, id-jags or calls');
  process.exit(2);
}
