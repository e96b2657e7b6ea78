#!/usr/bin/env node
// Real command-line clients with a ready token: mcp-remote (stdio bridge) and
// the inspector's command line.
//   MCP_URL=... ACCESS_TOKEN=... [TOOL] [TOOL_ARGS] node cli-clients.mjs
import { spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { need, env, step, finish, must } from './lib/env.mjs';
import { packageDir, nodeBin } from './lib/conformance.mjs';
const e = need('MCP_URL', 'ACCESS_TOKEN');
const remote = join(packageDir('mcp-remote'), 'dist', 'proxy.js');
const inspector = join(packageDir('@modelcontextprotocol/inspector'), 'clients', 'cli', 'build', 'index.js');
const home = mkdtempSync(join(tmpdir(), 'inspector-'));
const run = (cmd, args, more = { HOME: home }) => new Promise((ok) => { const p = spawn(cmd, args, { env: { ...process.env, ...more }, stdio: ['ignore', 'pipe', 'pipe'] }); let out = '', err = ''; p.stdout.on('data', (d) => out += d); p.stderr.on('data', (d) => err += d);
  const t = setTimeout(() => p.kill('SIGKILL'), 20000); p.on('close', (code) => { clearTimeout(t); ok({ code, out, err }); }); });

const client = new Client({ name: 'stdio-host', version: '1' });
const tools = await step('mcp-remote: initialize and tools/list over stdio', async () => {
  await client.connect(new StdioClientTransport({ command: process.execPath, args: [remote, e.MCP_URL, '--header', 'Authorization:${AUTH_HEADER}', '--transport', 'http-only', '--allow-http'],
    env: { ...process.env, AUTH_HEADER: `Bearer ${e.ACCESS_TOKEN}`, MCP_REMOTE_CONFIG_DIR: mkdtempSync(join(tmpdir(), 'mcp-remote-')) }, stderr: env.VERBOSE ? 'inherit' : 'ignore' }), { timeout: 20000 });
  const { tools } = await client.listTools(); must(tools.length, 'no tools'); return tools; });
if (tools) await step('mcp-remote: tools/call', async () => { const r = await client.callTool({ name: env.TOOL ?? tools[0].name, arguments: JSON.parse(env.TOOL_ARGS ?? '{}') }); must(!r.isError, JSON.stringify(r.content)); });
await client.close().catch(() => {});
const ask = (token, ...a) => run(nodeBin(), [inspector, e.MCP_URL, '--stored-auth-only', '--transport', 'http', '--method', ...a, ...(token ? ['--header', `Authorization: Bearer ${token}`] : [])]);
await step('inspector: tools/list', async () => { const r = await ask(e.ACCESS_TOKEN, 'tools/list'); must(r.code === 0, `exit ${r.code}: ${r.err.slice(-300)}`); must(JSON.parse(r.out).tools.length > 0, 'no tools'); });
await step('inspector: tools/call', async () => { const r = await ask(e.ACCESS_TOKEN, 'tools/call', '--tool-name', env.TOOL ?? tools[0].name, ...Object.entries(JSON.parse(env.TOOL_ARGS ?? '{}')).flatMap(([name, value]) => ['--tool-arg', `${name}=${value}`])); must(r.code === 0, `exit ${r.code}: ${r.err.slice(-300)}`); });
await step('inspector: no token is refused', async () => { const r = await ask(undefined, 'tools/list'); must(r.code !== 0, 'exit 0'); must(/401|unauthori|auth_required/i.test(r.err + r.out), (r.err + r.out).slice(-200)); });
await step('inspector: a wrong token is refused', async () => { const r = await ask('wrong', 'tools/list'); must(r.code !== 0, 'exit 0'); must(/401|unauthori|auth_required|invalid_token/i.test(r.err + r.out), (r.err + r.out).slice(-200)); });
finish();
