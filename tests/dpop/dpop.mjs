// Both legs and calls with a key that is proved, by clients that know nothing of Writ (oauth4webapi); then everything that a thief of tokens, grants or
// proofs could try, with proofs made by hand (jose). Through a kill -9 and a restart, and again where nonces are demanded.
import { spawn } from 'node:child_process';
import { randomBytes, createHash } from 'node:crypto';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL, fileURLToPath } from 'node:url';
import readline from 'node:readline';
import { Deployment } from './deployment.mjs';
import { signIn } from '../interop/lib/http-login.mjs';

const [bin, interop] = process.argv.slice(2).map((path) => resolve(path));
const fromInterop = (path) => import(pathToFileURL(join(interop, 'node_modules', path)).href);
const oauth = await fromInterop('oauth4webapi/build/index.js');
const jose = await fromInterop('jose/dist/webapi/index.js');

let passed = 0, failed = 0;
const check = (name, ok, why = '') => { ok ? passed++ : failed++; console.log(`${ok ? 'ok  ' : 'FAIL'} ${name}${ok ? '' : `: ${JSON.stringify(why)?.slice(0, 600)}`}`); };

const here = dirname(fileURLToPath(import.meta.url));
const site = await Deployment.start(bin, join(here, '../step_up/browser.py'));
const { base } = site;
const plain = { [oauth.allowInsecureRequests]: true };
const redirect = 'http://127.0.0.1:1/callback';
const discover = async (name, algorithm) => oauth.processDiscoveryResponse(new URL(`${base}/${name}`), await oauth.discoveryRequest(new URL(`${base}/${name}`), { algorithm, ...plain }));

// A request of oauth4webapi, once more with the nonce where one is asked for.
const asked = { nonces: 0 };
async function withNonce(send, process) {
  for (let again = false; ; again = true) {
    try { return await process(await send()); }
    catch (error) { if (again || !oauth.isDPoPNonceError(error)) throw error; asked.nonces++; }
  }
}
const errorOf = async (work) => { try { await work(); return 'accepted'; } catch (error) { return error.error ?? error.message; } };

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange', BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const secrets = { desk: 'desk-secret-at-the-idp-0123456789', strict: 'strict-secret-at-the-idp-012345678' };
const authentication = (id) => (secrets[id] ? oauth.ClientSecretBasic(secrets[id]) : oauth.None());

async function codeOf(idp, clientId, more = {}) {
  const verifier = oauth.generateRandomCodeVerifier();
  const url = new URL(idp.authorization_endpoint);
  for (const [name, value] of Object.entries({ response_type: 'code', client_id: clientId, redirect_uri: redirect, scope: 'openid offline_access', state: 's', code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256', ...more })) url.searchParams.set(name, value);
  const answer = await signIn(url.href, redirect, { user: 'alice', password: 'alice-password-1' });
  return { verifier, parameters: oauth.validateAuthResponse(idp, { client_id: clientId }, answer, 's') };
}
async function signedIn(idp, clientId, DPoP, more) {
  const client = { client_id: clientId };
  const { verifier, parameters } = await codeOf(idp, clientId, more);
  return withNonce(() => oauth.authorizationCodeGrantRequest(idp, client, authentication(clientId), parameters, redirect, verifier, { DPoP, ...plain }), (response) => oauth.processAuthorizationCodeResponse(idp, client, response));
}
async function idJag(idp, subject, server, DPoP) {
  const client = { client_id: 'desk' };
  const form = new URLSearchParams({ requested_token_type: 'urn:ietf:params:oauth:token-type:id-jag', audience: `${base}/ras`, resource: `${base}/mcp/${server}`, subject_token: subject, subject_token_type: 'urn:ietf:params:oauth:token-type:id_token' });
  return withNonce(() => oauth.genericTokenEndpointRequest(idp, client, authentication('desk'), EXCHANGE, form, { DPoP, ...plain }), (response) => oauth.processGenericTokenEndpointResponse(idp, client, response, { recognizedTokenTypes: { n_a: () => {} } }));
}
async function redeem(ras, assertion, DPoP) {
  const client = { client_id: 'desk-at-ras' };
  return withNonce(() => oauth.genericTokenEndpointRequest(ras, client, oauth.ClientSecretBasic('desk-secret-at-the-ras-0123456789'), BEARER, new URLSearchParams({ assertion }), { DPoP, ...plain }), (response) => oauth.processGenericTokenEndpointResponse(ras, client, response));
}

const message = (method, params = {}) => JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
const callBody = message('tools/call', { name: 'search', arguments: {} });
const mcpHeaders = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
async function calls(server, token, DPoP, body = callBody) {
  return withNonce(() => oauth.protectedResourceRequest(token, 'POST', new URL(`${base}/mcp/${server}`), new Headers(mcpHeaders), body, { DPoP, ...plain }), async (response) => ({ status: response.status, body: await response.text() }));
}

// Proofs by hand: whatever a thief could write.
let nonce;
async function proof(key, { htm = 'POST', htu = `${base}/mcp/notes`, token, jti = randomBytes(12).toString('base64url'), iat = Math.floor(Date.now() / 1000), ...more } = {}) {
  const claims = { jti, htm, htu, iat, ...(nonce ? { nonce } : {}), ...(token ? { ath: createHash('sha256').update(token).digest('base64url') } : {}), ...more };
  return new jose.SignJWT(claims).setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk: await jose.exportJWK(key.publicKey) }).sign(key.privateKey);
}
async function send(headers, server = 'notes') {
  const response = await fetch(`${base}/mcp/${server}`, { method: 'POST', headers: { ...mcpHeaders, ...headers }, body: callBody });
  await response.text();
  nonce = response.headers.get('dpop-nonce') ?? nonce;
  return { status: response.status, challenge: response.headers.get('www-authenticate') ?? '' };
}
const refused = (answer, error) => answer.status === 401 && answer.challenge.startsWith('DPoP ') && answer.challenge.includes(`error="${error}"`);

// `writ connect` as a host on stdio runs it.
class Bridge {
  constructor(server, ...options) {
    this.child = spawn(join(bin, 'writ'), ['connect', `${base}/mcp/${server}`, ...options], { env: site.env, stdio: ['pipe', 'pipe', 'pipe'] });
    this.stderr = '';
    this.child.stderr.on('data', (text) => { this.stderr += text; });
    this.waiting = new Map();
    readline.createInterface({ input: this.child.stdout }).on('line', (line) => { const one = JSON.parse(line); this.waiting.get(one.id)?.(one); });
    this.id = 0;
  }
  request(method, params) {
    const id = ++this.id;
    const answered = new Promise((done) => { this.waiting.set(id, done); setTimeout(() => done({ error: `no answer; ${this.stderr}` }), 20_000).unref(); });
    this.child.stdin.write(JSON.stringify({ jsonrpc: '2.0', id, method, params }) + '\n');
    return answered;
  }
  async call() {
    await this.request('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } });
    this.child.stdin.write(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' }) + '\n');
    await this.request('tools/list', {});
    return this.request('tools/call', { name: 'search', arguments: {} });
  }
  close() { this.child.stdin.end(); }
}
const isDone = (answer) => answer.result?.content?.[0]?.text === 'done';

try {
  const idp = await discover('idp', 'oidc'), ras = await discover('ras', 'oauth2');
  check('both authorization servers list asymmetric algorithms alone', [idp, ras].every((one) => one.dpop_signing_alg_values_supported?.includes('ES256') && one.dpop_signing_alg_values_supported.every((name) => !/^(HS|none)/.test(name))), [idp, ras]);
  const resource = await (await fetch(`${base}/.well-known/oauth-protected-resource/mcp/vault`)).json();
  check('a server that takes bound tokens alone says so', resource.dpop_bound_access_tokens_required === true && resource.dpop_signing_alg_values_supported.includes('ES256'), resource);

  const pair = await oauth.generateKeyPair('ES256', { extractable: true }), key = { privateKey: pair.privateKey, publicKey: pair.publicKey };
  const thief = await jose.generateKeyPair('ES256', { extractable: true });
  const jkt = await jose.calculateJwkThumbprint(await jose.exportJWK(key.publicKey));
  const desk = { client_id: 'desk' };
  const DPoP = oauth.DPoP(desk, pair);
  const thiefDPoP = oauth.DPoP(desk, await oauth.generateKeyPair('ES256'));

  // ---- both legs and a call
  const session = await signedIn(idp, 'desk', DPoP, { dpop_jkt: jkt });
  check('sign-in with dpop_jkt gives a bound access token', session.token_type === 'dpop' && jose.decodeJwt(session.access_token).cnf?.jkt === jkt, session);
  check('a client that just started is asked for a nonce once, and goes on', asked.nonces >= 1, asked);
  const jag = await idJag(idp, session.id_token, 'notes', DPoP);
  check('leg 1: the ID-JAG is bound to the key', jose.decodeJwt(jag.access_token).cnf?.jkt === jkt && jag.token_type === 'n_a', jose.decodeJwt(jag.access_token));
  check('a stolen ID-JAG without the key is refused', (await errorOf(() => redeem(ras, jag.access_token))) === 'invalid_grant');
  check('with another key too', (await errorOf(() => redeem(ras, jag.access_token, thiefDPoP))) === 'invalid_grant');
  const access = await redeem(ras, jag.access_token, DPoP);
  check('leg 2: it was not used up, and gives a bound token', access.token_type === 'dpop' && jose.decodeJwt(access.access_token).cnf?.jkt === jkt, access);
  const token = access.access_token;
  await calls('notes', token, DPoP, message('tools/list'));
  const called = await calls('notes', token, DPoP);
  check('the call is allowed', called.status === 200 && called.body.includes('done'), called);
  check('nothing of token and proof reaches the server behind', site.mcp.seen.length > 0 && site.mcp.seen.every((headers) => !headers.dpop && !JSON.stringify(headers).includes(token)), site.mcp.seen.at(-1));

  // ---- the token was stolen
  await send({ authorization: `DPoP ${token}`, dpop: await proof(key, { token, iat: Math.floor(Date.now() / 1000) + 60 }) });   // asks for a nonce
  check('as Bearer it is refused', refused(await send({ authorization: `Bearer ${token}` }), 'invalid_token'));
  check('without a proof', refused(await send({ authorization: `DPoP ${token}` }), 'invalid_dpop_proof'));
  check('with a proof of another key', refused(await send({ authorization: `DPoP ${token}`, dpop: await proof(thief, { token }) }), 'invalid_dpop_proof'));
  check('with a proof for another method', refused(await send({ authorization: `DPoP ${token}`, dpop: await proof(key, { token, htm: 'GET' }) }), 'invalid_dpop_proof'));
  check('with a proof for another address', refused(await send({ authorization: `DPoP ${token}`, dpop: await proof(key, { token, htu: `${base}/mcp/vault` }) }), 'invalid_dpop_proof'));
  check('with a proof for another token', refused(await send({ authorization: `DPoP ${token}`, dpop: await proof(key, { token: 'another' }) }), 'invalid_dpop_proof'));
  check('with a proof without ath', refused(await send({ authorization: `DPoP ${token}`, dpop: await proof(key) }), 'invalid_dpop_proof'));
  check('with an old proof', refused(await send({ authorization: `DPoP ${token}`, dpop: await proof(key, { token, iat: Math.floor(Date.now() / 1000) - 400 }) }), 'invalid_dpop_proof'));
  const secret = await new jose.SignJWT({ jti: 'x', htm: 'POST', htu: `${base}/mcp/notes`, iat: Math.floor(Date.now() / 1000) }).setProtectedHeader({ typ: 'dpop+jwt', alg: 'HS256', jwk: await jose.exportJWK(key.publicKey) }).sign(randomBytes(32));
  check('with a symmetric proof', refused(await send({ authorization: `DPoP ${token}`, dpop: secret }), 'invalid_dpop_proof'));
  const kept = await proof(key, { token });
  check('a good proof is taken', (await send({ authorization: `DPoP ${token}`, dpop: kept })).status === 200);
  check('and not twice', refused(await send({ authorization: `DPoP ${token}`, dpop: kept }), 'invalid_dpop_proof'));
  const later = await proof(key, { token });
  check('the next one is', (await send({ authorization: `DPoP ${token}`, dpop: later })).status === 200);

  // ---- who must prove
  const unbound = await redeem(ras, (await idJag(idp, session.id_token, 'notes')).access_token);
  check('without proofs there are Bearer tokens as before', unbound.token_type === 'bearer' && (await send({ authorization: `Bearer ${unbound.access_token}` })).status === 200, unbound);
  check('which prove no key', refused(await send({ authorization: `DPoP ${unbound.access_token}`, dpop: await proof(key, { token: unbound.access_token }) }), 'invalid_token'));
  const forVault = (await idJag(idp, session.id_token, 'vault')).access_token;
  check('a server that requires bound tokens gets no other', (await errorOf(() => redeem(ras, forVault))) === 'invalid_grant');
  const vault = await redeem(ras, forVault, DPoP);
  check('an unbound ID-JAG with a proof gives a bound token', vault.token_type === 'dpop' && (await calls('vault', vault.access_token, DPoP, message('tools/list'))).status === 200, vault);
  check('its first contact is told DPoP alone', (await send({}, 'vault')).challenge.startsWith('DPoP algs='));
  check('a client that is registered to prove is refused without', (await errorOf(() => signedIn(idp, 'strict'))) === 'invalid_dpop_proof');
  const phone = { client_id: 'phone' }, phoneDPoP = oauth.DPoP(phone, pair);
  const mobile = await signedIn(idp, 'phone', phoneDPoP);
  const refresh = (how) => withNonce(() => oauth.refreshTokenGrantRequest(idp, phone, oauth.None(), mobile.refresh_token, { DPoP: how, ...plain }), (response) => oauth.processRefreshTokenResponse(idp, phone, response));
  check('the refresh token of a public client is refused without its key', (await errorOf(() => refresh())) === 'invalid_grant');
  check('and with another key', (await errorOf(() => refresh(thiefDPoP))) === 'invalid_grant');
  check('and taken with it', (await refresh(phoneDPoP)).token_type === 'dpop');

  const reasons = site.reasons();
  for (const reason of ['proof_absent', 'proof_of_another_key', 'token_key_bound', 'dpop_proof_absent', 'dpop_proof_of_another_key', 'dpop_wrong_method', 'dpop_wrong_url', 'dpop_wrong_token', 'dpop_ath_invalid', 'dpop_too_old', 'dpop_algorithm_not_allowed', 'dpop_replayed', 'token_not_key_bound', 'proof_required', 'refresh_token_of_another_key']) check(`on record: ${reason}`, reasons.includes(reason), reasons.slice(0, 60));

  // ---- killed and started again
  const unused = await proof(key, { token });
  await site.kill('SIGKILL');
  await site.serve();
  check('after kill -9 and restart a proof that was used is refused', refused(await send({ authorization: `DPoP ${token}`, dpop: later }), 'use_dpop_nonce'));
  check('so is one from before that was not', refused(await send({ authorization: `DPoP ${token}`, dpop: unused }), 'use_dpop_nonce'));
  check('the token goes on with fresh proofs', (await calls('notes', token, DPoP)).status === 200);
  check('and stays no Bearer token', refused(await send({ authorization: `Bearer ${token}` }), 'invalid_token'));

  // ---- nonces demanded everywhere
  await site.kill('SIGTERM');
  site.write('always');
  await site.serve();
  nonce = undefined;
  check('a fresh proof without a nonce is asked for one', refused(await send({ authorization: `DPoP ${token}`, dpop: await proof(key, { token }) }), 'use_dpop_nonce') && nonce);
  check('with it, it is taken', (await send({ authorization: `DPoP ${token}`, dpop: await proof(key, { token }) })).status === 200);
  nonce = randomBytes(24).toString('base64url');
  check('a made-up nonce is not', refused(await send({ authorization: `DPoP ${token}`, dpop: await proof(key, { token }) }), 'use_dpop_nonce'));
  const before = asked.nonces, fresh = oauth.DPoP(desk, await oauth.generateKeyPair('ES256'));
  const again = await signedIn(idp, 'desk', fresh);
  const bound = await redeem(ras, (await idJag(idp, again.id_token, 'vault', fresh)).access_token, fresh);
  check('both legs and a call go through with nonces', bound.token_type === 'dpop' && (await calls('vault', bound.access_token, fresh)).status === 200 && asked.nonces > before, asked);

  // ---- our own client
  site.writ('login', `${base}/idp`);
  const bridge = new Bridge('vault');
  const answer = await bridge.call();
  check('writ connect proves its key where the server requires it', isDone(answer), answer);
  bridge.close();
  const willing = new Bridge('notes', '--dpop', 'always'), never = new Bridge('vault', '--dpop', 'never');
  check('and with --dpop always wherever it is understood', isDone(await willing.call()), willing.stderr);
  check('with --dpop never it gets nothing from that server', !isDone(await never.call()));
  willing.close(), never.close();
} catch (error) {
  check('the story goes to its end', false, `${error.stack} ${error.cause ? JSON.stringify(error.cause) : ''} ${error.stderr ?? ''}`);
} finally {
  await site.end();
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
