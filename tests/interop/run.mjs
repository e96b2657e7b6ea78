#!/usr/bin/env node
// Starts Writ with the sample configuration of examples/conformance, real MCP servers behind its gateway, and runs every interop script
// against it. Everything listens on loopback; what was started is stopped by its process id.
//   node run.mjs --writ DIR_WITH_BINARIES --config FILE [--only name,name]
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { nodeBin } from './lib/conformance.mjs';

const { values: o } = parseArgs({ options: { writ: { type: 'string' }, config: { type: 'string' }, only: { type: 'string' }, verbose: { type: 'boolean', default: false } } });
if (!o.writ || !o.config) { console.error('usage: node run.mjs --writ DIR --config FILE'); process.exit(2); }

const base = 'http://127.0.0.1:18420';
const settings = {
  IDP_ISSUER: `${base}/idp`, IDP_CLIENT_ID: 'desk-at-idp', IDP_CLIENT_SECRET: 'desk-secret-at-the-idp-for-tests-only',
  RAS_ISSUER: `${base}/ras`, RAS_CLIENT_ID: 'desk-at-ras', RAS_CLIENT_SECRET: 'desk-secret-at-the-ras-for-tests-only',
};
const redirectUri = 'http://127.0.0.1:18499/callback';
const directory = mkdtempSync(join(tmpdir(), 'writ-interop-'));
const started = [];
let passed = 0, failed = 0;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
async function until(what, check, seconds = 20) {
  for (let i = 0; i < seconds * 10; i++) { if (await check().catch(() => false)) return; await sleep(100); }
  throw new Error(`${what} did not come up within ${seconds} s`);
}
const answers = (url) => () => fetch(url).then((r) => (r.body?.cancel(), r.status < 500));

function start(name, command, args, env = {}) {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (d) => { log += d; if (o.verbose) process.stderr.write(d); });
  child.exited = new Promise((resolve) => child.on('exit', (code) => resolve(code)));
  started.push({ name, child, log: () => log });
  return child;
}
async function stop({ child }) {
  child.kill('SIGTERM');
  if (await Promise.race([child.exited.then(() => true), sleep(5000)]) !== true) child.kill('SIGKILL');
}

// A script of this folder with its closing line "N passed, N failed".
async function script(name, file, args = [], env = {}) {
  if (o.only && !o.only.split(',').includes(name)) return '';
  const child = spawn(process.execPath, [file, ...args], { env: { ...process.env, ...settings, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '', err = '';
  child.stdout.on('data', (d) => { out += d; });
  child.stderr.on('data', (d) => { err += d; });
  const code = await new Promise((resolve) => child.on('close', resolve));
  const counts = out.match(/^(\d+) passed, (\d+) failed/m);
  const bad = code !== 0 || !counts || +counts[1] === 0;
  passed += counts ? +counts[1] : 0;
  failed += counts ? +counts[2] : 0;
  if (bad && !(counts && +counts[2] > 0)) failed++;
  console.log(`${bad ? 'FAIL' : 'ok  '} ${name}: ${counts ? counts[0] : `ended with ${code}`}`);
  if (bad) console.log((out + err).trim().split('\n').slice(-60).map((l) => `     ${l}`).join('\n'));
  return out;
}
async function check(name, run) {
  if (o.only && !o.only.split(',').includes(name)) return undefined;
  try { const v = await run(); passed++; console.log(`ok   ${name}`); return v; }
  catch (e) { failed++; console.log(`FAIL ${name}: ${String(e?.message ?? e).slice(0, 600)}`); return undefined; }
}

const capture = (file, args, env) => new Promise((resolve, reject) => {
  const child = spawn(process.execPath, [file, ...args], { env: { ...process.env, ...settings, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '', err = '';
  child.stdout.on('data', (d) => { out += d; });
  child.stderr.on('data', (d) => { err += d; });
  child.on('close', (code) => (code === 0 ? resolve(out.trim()) : reject(new Error(`${file} ended with ${code}: ${(out + err).trim().slice(-500)}`))));
});
const idToken = (user) => capture('oidc-login.mjs', [], { OIDC_ISSUER: settings.IDP_ISSUER, OIDC_CLIENT_ID: settings.IDP_CLIENT_ID,
  OIDC_CLIENT_SECRET: settings.IDP_CLIENT_SECRET, REDIRECT_URI: redirectUri, LOGIN: user, PASSWORD: `${user}-password`, OIDC_SCOPE: 'openid email' });

async function exchange(token, server, scope) {
  const body = new URLSearchParams({ grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange', requested_token_type: 'urn:ietf:params:oauth:token-type:id-jag',
    audience: settings.RAS_ISSUER, resource: `${base}/mcp/${server}`, subject_token: token, subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
    client_id: settings.IDP_CLIENT_ID, client_secret: settings.IDP_CLIENT_SECRET });
  if (scope) body.set('scope', scope);
  const r = await fetch(`${settings.IDP_ISSUER}/token`, { method: 'POST', body });
  return { status: r.status, ...(await r.json()) };
}
// What a script needs to reach `server` as alice.
async function access(server) {
  const token = (await redeem((await exchange(settings.ID_TOKEN, server)).access_token)).access_token;
  return { MCP_URL: `${base}/mcp/${server}`, ACCESS_TOKEN: token ?? '' };
}
async function redeem(assertion) {
  const body = new URLSearchParams({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion, client_id: settings.RAS_CLIENT_ID, client_secret: settings.RAS_CLIENT_SECRET });
  const r = await fetch(`${settings.RAS_ISSUER}/token`, { method: 'POST', body });
  return { status: r.status, ...(await r.json()) };
}
const must = (ok, message) => { if (!ok) throw new Error(message); };

// One call whose progress arrives while it is still running: what a collecting proxy cannot give.
async function progressWhileRunning(server, token, tool, args) {
  const { Client } = await import('@modelcontextprotocol/sdk/client/index.js');
  const { StreamableHTTPClientTransport } = await import('@modelcontextprotocol/sdk/client/streamableHttp.js');
  const client = new Client({ name: 'streaming-check', version: '1.0.0' });
  await client.connect(new StreamableHTTPClientTransport(new URL(`${base}/mcp/${server}`), { requestInit: { headers: { authorization: `Bearer ${token}` } } }));
  const begun = Date.now(), arrivals = [];
  const result = await client.callTool({ name: tool, arguments: args }, undefined, { onprogress: () => arrivals.push(Date.now() - begun) });
  const took = Date.now() - begun;
  await client.close();
  must(!result.isError, JSON.stringify(result.content).slice(0, 300));
  must(arrivals.length >= 2, `${arrivals.length} progress notifications`);
  must(arrivals[0] < took / 2, `the first progress came after ${arrivals[0]} ms, the answer after ${took} ms: it was collected`);
}

function startWrit() {
  const child = start('writ', join(o.writ, 'writ'), ['serve', '-c', o.config, '--data', directory]);
  return until('writ', answers(`${settings.RAS_ISSUER}/.well-known/oauth-authorization-server`)).then(() => child);
}

try {
  start('everything', nodeBin(), ['--import', './lib/loopback-only.mjs', 'node_modules/@modelcontextprotocol/server-everything/dist/index.js', 'streamableHttp'], { PORT: '18431' });
  start('target', nodeBin(), ['conformance-target-server.mjs'], { PORT: '18432' });
  start('target-2026', nodeBin(), ['conformance-target-server-2026.mjs'], { PORT: '18433' });
  let writ = await startWrit();
  for (const port of [18431, 18432, 18433]) await until(`the server on port ${port}`, answers(`http://127.0.0.1:${port}/mcp`));

  settings.MCP_URL = `${base}/mcp/everything`;
  const alice = settings.ID_TOKEN = await idToken('alice');
  await script('ts-client-ema', 'ts-client-ema.mjs', [], { TOOL: 'echo', TOOL_ARGS: '{"message":"hi"}' });
  await script('ts-sdk-v1-ema', 'ts-sdk-v1-ema.mjs', [], { TOOL: 'echo', TOOL_ARGS: '{"message":"hi"}' });
  await script('oauth4webapi-ema', 'oauth4webapi-ema.mjs');
  const jag = await exchange(alice, 'everything');
  const token = (await redeem((await exchange(alice, 'everything')).access_token)).access_token;
  await script('verify-tokens', 'verify-tokens.mjs', [], { ID_JAG: jag.access_token ?? '', ACCESS_TOKEN: token ?? '' });
  // The public suite's authorization mode: metadata and the code flow. The identity provider speaks OpenID Connect, which wants its scope said.
  for (const [name, env] of [['identity provider', { AS_ISSUER: settings.IDP_ISSUER, AS_CLIENT_ID: 'browser-client-at-idp', EXTRA: 'scope=openid' }],
    ['resource authorization server', { AS_ISSUER: settings.RAS_ISSUER, AS_CLIENT_ID: 'browser-client-at-ras', AS_RESOURCE: `${base}/mcp/everything` }]]) {
    await script(`conformance-authorization-suite at the ${name}`, 'conformance-authorization-suite.mjs', [], { LOGIN: 'alice', PASSWORD: 'alice-password', ...env });
  }
  await check('progress of everything arrives while the call runs', () => progressWhileRunning('everything', token, 'trigger-long-running-operation', { duration: 2, steps: 4 }));
  await check('progress of the 2025-11-25 target arrives while the call runs', async () => {
    const t = (await redeem((await exchange(alice, 'target')).access_token)).access_token;
    return progressWhileRunning('target', t, 'test_tool_with_progress', {});
  });
  await check('the 2026-07-28 target answers the modern client through the gateway', async () => {
    const out = await capture('ts-client-ema.mjs', [], { MCP_URL: `${base}/mcp/target-2026`, REVISION: '2026-07-28', TOOL: 'test_simple_text' });
    must(/ 0 failed/.test(out), out.slice(-400));
  });

  await script('real-clients', 'real-clients.mjs', [], { BASE: `${base}/mcp`, DEPLOYMENT: join(dirname(o.config), 'deployment'), WRIT: join(o.writ, 'writ'), WRIT_SOCKET: join(directory, 'admin.sock') });
  // The public suite: our client in every authorization scenario, and each server through the gateway passes what it passes directly.
  await Promise.all([
    script('conformance-client-suite', 'conformance-client-suite.mjs', ['--command', join(o.writ, 'ema-conformance-client'), '--set', 'auth']),
    script('conformance-server-suite before everything', 'conformance-server-suite.mjs', ['--expect', 'expected-server-everything.json'], await access('everything')),
    script('conformance-server-suite before the 2025-11-25 target', 'conformance-server-suite.mjs', ['--expect', 'expected-server-2025-11-25.json'], await access('target')),
    script('conformance-server-suite before the 2026-07-28 target', 'conformance-server-suite.mjs',
      ['--revision', '2026-07-28', '--expect', 'expected-server-2026-07-28.json'], await access('target-2026')),
  ]);
  // Clients of both eras before servers of both: where they differ the gateway stands between.
  await Promise.all([
    script('era-bridge-check before the 2025-11-25 target', 'era-bridge-check.mjs', ['--client', 'both', '--input'], await access('target')),
    script('era-bridge-check before the 2026-07-28 target', 'era-bridge-check.mjs', ['--client', 'both', '--input'], await access('target-2026')),
    script('legacy-client-check', 'legacy-client-check.mjs', [], await access('target-2026')),
  ]);

  // An optional package: where it cannot be installed, this is skipped and says so.
  const cerbos = await capture('authzen-cerbos.mjs', [], { ACCESS_TOKEN: token ?? '', WRIT: join(o.writ, 'writ'), WRIT_SOCKET: join(directory, 'admin.sock') }).catch((e) => String(e.message));
  if (cerbos.startsWith('skip ')) console.log(cerbos);
  else await check('authzen-cerbos', () => must(/ 0 failed$/.test(cerbos), cerbos.slice(-600)));

  await check('bob is refused at the identity provider, with a code', async () => {
    const refused = await exchange(await idToken('bob'), 'everything');
    must(refused.status === 400 && refused.error === 'access_denied' && /^W-/.test(refused.denial_code ?? ''), JSON.stringify(refused));
  });
  await check('of 100 parallel redemptions of one ID-JAG exactly one gives a token', async () => {
    const one = (await exchange(alice, 'everything')).access_token;
    const all = await Promise.all(Array.from({ length: 100 }, () => redeem(one)));
    const good = all.filter((r) => r.status === 200).length, refused = all.filter((r) => r.status === 400 && r.error === 'invalid_grant').length;
    must(good === 1 && refused === 99, `${good} tokens, ${refused} refusals`);
    writeFileSync(join(directory, 'spent-id-jag'), one, { mode: 0o600 });
  });
  await check('a spent ID-JAG stays spent after kill -9 and restart', async () => {
    writ.kill('SIGKILL');
    await writ.exited;
    writ = await startWrit();
    const again = await redeem(readFileSync(join(directory, 'spent-id-jag'), 'utf8'));
    must(again.status === 400 && again.error === 'invalid_grant', JSON.stringify(again));
  });
  await check('an ID token from before the restart is still good', async () => must((await exchange(alice, 'everything')).status === 200, 'refused'));
} catch (e) {
  failed++;
  console.log(`FAIL ${e.message}`);
  for (const s of started) console.log(`--- ${s.name}\n${s.log().split('\n').slice(-15).join('\n')}`);
} finally {
  await Promise.all(started.map(stop));
  rmSync(directory, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed || !passed ? 1 : 0);
