#!/usr/bin/env node
// Real clients through the gateway and real servers behind it: TypeScript SDK 1.x and 2.x, mcp-remote and the inspector's command lines; everything
// (Streamable HTTP, HTTP+SSE, stdio), memory and filesystem (stdio, and behind HTTP). Every server must offer through the gateway what it offers directly.
//   env: IDP_ISSUER IDP_CLIENT_ID IDP_CLIENT_SECRET RAS_ISSUER RAS_CLIENT_ID RAS_CLIENT_SECRET BASE (of the gateway) DEPLOYMENT (its folder) WRIT (the command) WRIT_SOCKET
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CreateMessageRequestSchema, ElicitRequestSchema, ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { Client as ClientV2, StreamableHTTPClientTransport as TransportV2 } from '@modelcontextprotocol/client';
import { finish, must, need, step } from './lib/env.mjs';
import { nodeBin, packageDir } from './lib/conformance.mjs';
import { serveOverHttp } from './lib/stdio-over-http.mjs';
import { accessToken, idTokenOf } from './lib/tokens.mjs';

const e = need('BASE', 'DEPLOYMENT', 'WRIT', 'WRIT_SOCKET');
const directory = mkdtempSync(join(tmpdir(), 'writ-real-servers-'));
const files = join(directory, 'files');
cpSync(new URL('./lib', import.meta.url).pathname, files, { recursive: true });
chmodSync(directory, 0o755);   // programs of the gateway's run as a user of their own
const freePort = () => new Promise((ok) => { const s = createServer().listen(0, '127.0.0.1', () => { const { port } = s.address(); s.close(() => ok(port)); }); });
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// ---- the servers: how each is reached directly, and what its object says about it

const js = (name) => join(packageDir(`@modelcontextprotocol/server-${name}`), 'dist', 'index.js');
const call = { everything: ['echo', { message: 'hi' }], memory: ['read_graph', {}], filesystem: ['list_directory', { path: files }] };
const programs = {
  everything: { args: [js('everything'), 'stdio'] },
  memory: { args: [js('memory')], env: { MEMORY_FILE_PATH: join(directory, 'memory.jsonl') } },
  filesystem: { args: [js('filesystem'), files] },
};
const started = [];
async function startEverything(mode, path) {
  const port = await freePort();
  const child = spawn(nodeBin(), ['--import', './lib/loopback-only.mjs', js('everything'), mode], { env: { ...process.env, PORT: String(port) }, stdio: 'ignore' });
  started.push(child);
  const url = `http://127.0.0.1:${port}${path}`;
  for (let i = 0; i < 100; i++) {
    if (await fetch(url, { signal: AbortSignal.timeout(2000) }).then((r) => (r.body?.cancel(), true), () => false)) return url;
    await sleep(100);
  }
  throw new Error(`everything ${mode} did not come up`);
}

const servers = {};
const wrappers = [];
async function startServers() {
  const sse = await startEverything('sse', '/sse');
  servers['real-everything-sse'] = { kind: 'everything', upstream: { transport: 'http_sse', url: sse }, direct: () => new SSEClientTransport(new URL(sse)) };
  const http = await startEverything('streamableHttp', '/mcp');
  servers['real-everything'] = { kind: 'everything', upstream: { url: http }, direct: () => new TransportV1(new URL(http)) };
  for (const kind of ['memory', 'filesystem']) {
    const wrapper = await serveOverHttp({ command: process.execPath, ...programs[kind] });
    wrappers.push(wrapper);
    servers[`real-${kind}`] = { kind, upstream: { url: wrapper.url }, direct: () => new TransportV1(new URL(wrapper.url)) };
  }
  // In the gateway's sandbox these see the packages, the files and nothing else; what memory keeps is in its own /tmp.
  const readPaths = [process.cwd(), files, ...(process.execPath.startsWith('/usr/') ? [] : [dirname(process.execPath)])];
  for (const [kind, { args, env = {} }] of Object.entries(programs)) {
    const environment = Object.fromEntries(Object.keys(env).map((name) => [name, '/tmp/kept']));
    servers[`real-${kind}-stdio`] = { kind, upstream: { program: { command: [process.execPath, ...args], environment, read_paths: readPaths } },
      direct: () => new StdioClientTransport({ command: process.execPath, args, env: { ...process.env, ...env }, stderr: 'ignore' }) };
  }
}

// ---- the deployment with these servers in addition, and everybody of the grants table may use them

function apply() {
  const folder = join(directory, 'deployment');
  cpSync(e.DEPLOYMENT, folder, { recursive: true });
  const grants = join(folder, 'grants.yaml');
  writeFileSync(grants, readFileSync(grants, 'utf8').replace(/servers: \[([^\]]*)\]/, `servers: [$1, ${Object.keys(servers).join(', ')}]`));
  const objects = Object.entries(servers).map(([id, s]) => ({ id, resource: `${e.BASE}/${id}`, resource_authorization_server: process.env.RAS_ISSUER, upstream: s.upstream, first_use: 'allow',
    scopes: [{ name: 'mcp', description: 'Use this server', default: true }] }));
  writeFileSync(join(folder, 'real-servers.yaml'), `servers: ${JSON.stringify(objects)}\n`);
  const done = spawnSync(e.WRIT, ['apply', '-f', folder, '--yes'], { env: { ...process.env, WRIT_SOCKET: e.WRIT_SOCKET }, encoding: 'utf8' });
  must(done.status === 0, done.stdout + done.stderr);
}

// ---- looking through a client

const names = (tools) => tools.map((t) => t.name).sort().join();
async function look(client, transport, [name, args]) {
  await client.connect(transport);
  try {
    const { tools } = await client.listTools();
    const answer = await client.callTool({ name, arguments: args });
    must(!answer.isError, JSON.stringify(answer.content).slice(0, 300));
    return { tools: names(tools), answer: JSON.stringify(answer.content) };
  } finally { await client.close(); }
}
const v1 = (capabilities = {}) => new ClientV1({ name: 'sdk-1', version: '1' }, { capabilities });
const v2 = () => new ClientV2({ name: 'sdk-2', version: '1' }, { capabilities: {}, versionNegotiation: { mode: 'auto' } });
const headers = (token) => ({ requestInit: { headers: { authorization: `Bearer ${token}` } } });

function child(file, env) {
  return new Promise((resolve) => {
    const p = spawn(process.execPath, [file], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
    let out = '';
    p.stdout.on('data', (d) => { out += d; });
    p.on('close', () => resolve(out));
  });
}
// The steps of another script, as steps of this one.
async function script(name, file, env) {
  const out = await child(file, env);
  const lines = out.split('\n').filter((line) => /^(ok|FAIL) /.test(line));
  for (const line of lines.length ? lines : ['FAIL it said nothing']) await step(`${name}: ${line.slice(5)}`, () => must(line.startsWith('ok'), out.slice(-600)));
}

// ---- what the old transport must be able to do through the gateway: one stream for everything that a server says

async function oldTransport(token) {
  const client = v1({ sampling: {}, elicitation: {}, roots: { listChanged: true } });
  let asked = 0;
  client.setRequestHandler(CreateMessageRequestSchema, (r) => { asked++; return { role: 'assistant', model: 'test', content: { type: 'text', text: `said ${r.params.messages.length}` } }; });
  client.setRequestHandler(ElicitRequestSchema, () => { asked++; return { action: 'decline' }; });
  await client.connect(new TransportV1(new URL(`${e.BASE}/real-everything-sse`), headers(token)));
  await step('HTTP+SSE: progress arrives while the call runs', async () => {
    const begun = Date.now(), arrivals = [];
    await client.callTool({ name: 'trigger-long-running-operation', arguments: { duration: 2, steps: 4 } }, undefined, { onprogress: () => arrivals.push(Date.now() - begun) });
    must(arrivals.length >= 3 && arrivals[0] < 1200, `progress after ${arrivals} ms`);
  });
  await step('HTTP+SSE: calls at the same time get their own answers', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, (_, i) => client.callTool({ name: 'get-sum', arguments: { a: i, b: 1000 } })));
    all.forEach((r, i) => must(r.content[0].text.includes(String(i + 1000)), r.content[0].text));
  });
  await step('HTTP+SSE: the server asks for sampling and goes on', async () => {
    let listed = [];
    for (let i = 0; i < 30 && !listed.includes('trigger-sampling-request'); i++) { listed = names((await client.listTools()).tools); await sleep(100); }
    const r = await client.callTool({ name: 'trigger-sampling-request', arguments: { prompt: 'hello', maxTokens: 5 } });
    must(!r.isError && asked === 1 && JSON.stringify(r.content).includes('said 1'), JSON.stringify(r.content).slice(0, 300));
  });
  await step('HTTP+SSE: a resource that is subscribed to sends its news', async () => {
    const news = new Promise((resolve) => client.setNotificationHandler(ResourceUpdatedNotificationSchema, (n) => resolve(n.params.uri)));
    const uri = (await client.listResources()).resources[0].uri;
    await client.subscribeResource({ uri });
    await client.callTool({ name: 'toggle-subscriber-updates', arguments: {} });
    must(await Promise.race([news, sleep(15000)]) === uri, 'no news');
    await client.callTool({ name: 'toggle-subscriber-updates', arguments: {} });
  });
  await step('HTTP+SSE: a session of somebody else, and one that has ended, are not found', async () => {
    const session = client.transport.sessionId;
    must(session, 'no session id');
    const ask = (id) => fetch(`${e.BASE}/real-everything-sse`, { method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', accept: 'application/json, text/event-stream', 'mcp-session-id': id },
      body: JSON.stringify({ jsonrpc: '2.0', id: 900, method: 'ping' }) });
    must((await ask(session)).status === 200, 'its own is found');
    must((await ask(`${session.slice(0, -1)}x`)).status === 404, 'another one');
    await client.transport.terminateSession();
    must((await ask(session)).status === 404, 'an ended one');
  });
  await client.close();
}

try {
  await startServers();
  await step('the real servers become servers of the deployment', apply);
  const idToken = process.env.ID_TOKEN ?? await idTokenOf('alice');
  const tokens = {};
  const token = async (id) => (tokens[id] ??= await accessToken(idToken, `${e.BASE}/${id}`));

  for (const [id, s] of Object.entries(servers)) {
    const direct = await step(`${id}: directly`, () => look(v1(), s.direct(), call[s.kind]));
    for (const [name, client, Transport] of [['SDK 1.x', v1, TransportV1], ['SDK 2.x', v2, TransportV2]]) {
      await step(`${id}: ${name} through the gateway sees and gets the same`, async () => {
        const through = await look(client(), new Transport(new URL(`${e.BASE}/${id}`), headers(await token(id))), call[s.kind]);
        must(through.tools === direct.tools, `through the gateway: ${through.tools}; directly: ${direct.tools}`);
        must(through.answer === direct.answer, `through the gateway: ${through.answer}; directly: ${direct.answer}`);
      });
    }
  }
  await oldTransport(await token('real-everything-sse'));
  for (const id of ['real-everything', 'real-everything-sse', 'real-memory', 'real-everything-stdio']) {
    const [TOOL, args] = call[servers[id].kind];
    await script(id, 'cli-clients.mjs', { MCP_URL: `${e.BASE}/${id}`, ACCESS_TOKEN: await token(id), TOOL, TOOL_ARGS: JSON.stringify(args) });
  }
  await script('inspector as an enterprise client', 'inspector-ema.mjs', { MCP_URL: `${e.BASE}/real-everything`, LOGIN: 'alice', PASSWORD: 'alice-password', TOOL: 'get-tiny-image' });
} finally {
  await Promise.all(wrappers.map((w) => w.close()));
  for (const p of started) p.kill('SIGTERM');
  rmSync(directory, { recursive: true, force: true });
}
finish();
