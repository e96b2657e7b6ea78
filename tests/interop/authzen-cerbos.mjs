#!/usr/bin/env node
// A policy decision point that other people wrote, asked by Writ: starts Cerbos on loopback with a policy for what Writ sends (docs/reference/authzen.md),
// makes it a decision point of the running deployment, and calls tools through the gateway.
//   env: MCP_URL, ACCESS_TOKEN (for it), WRIT (the command), WRIT_SOCKET; CERBOS_BIN names another binary than the npm package's
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env, need, step, finish, must } from './lib/env.mjs';
import { packageDir } from './lib/conformance.mjs';

export function cerbosBinary() {
  if (env.CERBOS_BIN) return existsSync(env.CERBOS_BIN) ? env.CERBOS_BIN : undefined;
  try { const bin = join(packageDir('@cerbos/cerbos-linux-x64'), 'cerbos-linux-x64'); return existsSync(bin) ? bin : undefined; } catch { return undefined; }
}

const binary = cerbosBinary();
if (!binary) { console.log('skip authzen-cerbos: @cerbos/cerbos-linux-x64 is not installed here'); process.exit(0); }
const { MCP_URL, ACCESS_TOKEN, WRIT, WRIT_SOCKET } = need('MCP_URL', 'ACCESS_TOKEN', 'WRIT', 'WRIT_SOCKET');

const rule = (name, actions, expr, effect = 'EFFECT_ALLOW') =>
  `    - {name: ${name}, actions: ${JSON.stringify(actions)}, effect: ${effect}, roles: ["*"]${expr ? `, condition: {match: {expr: ${JSON.stringify(expr)}}}` : ''}}\n`;
const policy = (resource, rules) => `apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  version: default\n  resource: ${resource}\n  rules:\n${rules}`;
const directory = mkdtempSync(join(tmpdir(), 'writ-cerbos-'));
writeFileSync(join(directory, 'server.yaml'), policy('mcp_server', rule('engineering-connects', ['connect'], 'has(P.attr.groups) && "engineering" in P.attr.groups')));
writeFileSync(join(directory, 'scope.yaml'), policy('scope', rule('scopes', ['grant_scope'])));
writeFileSync(join(directory, 'tool.yaml'), policy('tool', rule('engineering-calls', ['tools/call'], 'has(P.attr.groups) && "engineering" in P.attr.groups') +
  rule('nobody-reads-the-environment', ['tools/call'], 'R.id == "get-env"', 'EFFECT_DENY')));
writeFileSync(join(directory, '.cerbos.conf'), '{}\n');

const freePort = () => new Promise((ok) => { const s = createServer().listen(0, '127.0.0.1', () => { const { port } = s.address(); s.close(() => ok(port)); }); });
const port = await freePort();
const set = { 'server.httpListenAddr': `127.0.0.1:${port}`, 'server.grpcListenAddr': `127.0.0.1:${await freePort()}`, 'storage.driver': 'disk', 'storage.disk.directory': directory, 'telemetry.disabled': 'true' };
const cerbos = spawn(binary, ['server', '--log-level=warn', `--config=${join(directory, '.cerbos.conf')}`, ...Object.entries(set).map(([k, v]) => `--set=${k}=${v}`)], { stdio: 'ignore' });
const base = `http://127.0.0.1:${port}`;
for (let i = 0; i < 100 && !(await fetch(`${base}/_cerbos/health`).then((r) => r.ok, () => false)); i++) await new Promise((r) => setTimeout(r, 100));

const apply = (points) => {
  const file = join(directory, 'points.yaml');
  writeFileSync(file, `decision_points: ${JSON.stringify(points)}\n`);
  const done = spawnSync(WRIT, ['apply', '-f', file, '--yes'], { env: { ...env, WRIT_SOCKET }, encoding: 'utf8' });
  must(done.status === 0, done.stdout + done.stderr);
};
let id = 0, session;
async function send(method, params) {
  const headers = { authorization: `Bearer ${ACCESS_TOKEN}`, 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...(session ? { 'mcp-session-id': session } : {}) };
  const r = await fetch(MCP_URL, { method: 'POST', headers, body: JSON.stringify({ jsonrpc: '2.0', ...(method.startsWith('notifications/') ? {} : { id: ++id }), method, params }) });
  session ??= r.headers.get('mcp-session-id') ?? undefined;
  const text = await r.text();
  const line = text.split('\n').filter((l) => l.startsWith('data:')).at(-1)?.slice(5) ?? text;
  return line ? JSON.parse(line) : undefined;
}
const kindOf = (answer) => answer?.result?._meta?.['writ/decision']?.kind ?? answer?.error?.data?.kind;

try {
  await step('Cerbos becomes a decision point of the deployment', () => apply([{ id: 'cerbos', url: base, servers: 'all', timeout_ms: 2000 }]));
  await step('both allow: initialize and a call', async () => {
    const opened = await send('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'authzen-cerbos', version: '1' } });
    must(opened?.result, JSON.stringify(opened));
    await send('notifications/initialized', {});
    const answer = await send('tools/call', { name: 'echo', arguments: { message: 'hi' } });
    must(answer?.result && !answer.result.isError, JSON.stringify(answer));
  });
  await step('Writ allows, Cerbos does not: denied', async () => {
    const answer = await send('tools/call', { name: 'get-env', arguments: {} });
    must(kindOf(answer) === 'external_denied', JSON.stringify(answer).slice(0, 400));
  });
  await step('Cerbos is gone: denied', async () => {
    cerbos.kill('SIGTERM');
    await new Promise((r) => cerbos.on('exit', r));
    must(kindOf(await send('tools/call', { name: 'echo', arguments: { message: 'hi' } })) === 'external_unavailable', 'not denied');
  });
  await step('without it policy decides alone again', async () => {
    apply([{ id: 'cerbos', url: base, active: false, servers: 'all' }]);
    const answer = await send('tools/call', { name: 'echo', arguments: { message: 'hi' } });
    must(answer?.result && !answer.result.isError, JSON.stringify(answer));
  });
} finally {
  cerbos.kill('SIGTERM');
  rmSync(directory, { recursive: true, force: true });
}
finish();
