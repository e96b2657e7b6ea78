// `writ serve` with an MCP server behind its gateway, in a folder of its own; ended and removed at the end.
import { spawn, execFileSync } from 'node:child_process';
import { mkdtempSync, mkdirSync, rmSync, writeFileSync, chmodSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const listening = async (server) => { server.listen(0, '127.0.0.1'); await once(server, 'listening'); return server.address().port; };
const freePort = async () => { const probe = createServer(); const port = await listening(probe); probe.close(); return port; };

// Answers every call, and remembers the headers it got.
class McpServer {
  seen = [];
  server = createServer(async (request, response) => {
    if (request.method !== 'POST') { response.writeHead(request.method === 'DELETE' ? 200 : 405).end(); return; }
    let text = '';
    for await (const piece of request) text += piece;
    const message = JSON.parse(text);
    this.seen.push(request.headers);
    if (message.id === undefined) { response.writeHead(202).end(); return; }
    const results = {
      initialize: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'notes', version: '1' } },
      'tools/list': { tools: [{ name: 'search', inputSchema: { type: 'object' } }] },
      'tools/call': { content: [{ type: 'text', text: 'done' }] },
    };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result: results[message.method] ?? {} }));
  });
}

export class Deployment {
  static async start(bin, browser) {
    const made = new Deployment();
    made.bin = bin;
    made.work = mkdtempSync(join(tmpdir(), 'writ-dpop-'));
    made.mcp = new McpServer();
    made.mcpPort = await listening(made.mcp.server);
    made.port = await freePort();
    made.adminPort = await freePort();
    made.base = `http://127.0.0.1:${made.port}`;
    made.env = { ...process.env, PATH: `${made.work}/bin:${process.env.PATH}`, WRIT_CONFIG_DIR: `${made.work}/config`, WRIT_SOCKET: `${made.work}/admin.sock`, DISPLAY: ':99', STEP_UP_STATE: `${made.work}/alice.json` };
    mkdirSync(`${made.work}/bin`);
    writeFileSync(`${made.work}/bin/xdg-open`, `#!/bin/sh\nexec python3 "${browser}" "$1"\n`);
    chmodSync(`${made.work}/bin/xdg-open`, 0o755);
    made.write('when_needed');
    await made.serve();
    return made;
  }

  write(nonce) {
    const { base, work } = this;
    mkdirSync(`${work}/objects`, { recursive: true });
    writeFileSync(`${work}/writ.yaml`, `base_url: ${base}
data: data
organisation: Acme
listeners:
  public: {address: "127.0.0.1:${this.port}"}
  admin: {address: "127.0.0.1:${this.adminPort}", socket: admin.sock}
idp: {dpop_nonce: ${nonce}}
resource_as: {dpop_nonce: ${nonce}}
gateway: {dpop_nonce: ${nonce}}
objects: objects
policy: objects
`);
    const server = (id, more) => `  - id: ${id}
    resource: ${base}/mcp/${id}
    resource_authorization_server: ${base}/ras
    upstream: {url: "http://127.0.0.1:${this.mcpPort}/mcp"}
    first_use: allow${more}
    scopes: [{name: "${id}", default: true}]
`;
    writeFileSync(`${work}/objects/objects.yaml`, `groups: [{id: eng}]
users:
  - {id: usr_alice, name: alice, email: alice@acme.example, email_verified: true, groups: [eng], password: alice-password-1}
resource_authorization_servers: [{issuer: ${base}/ras}]
agents:
  - id: desk
    idp: {client_id: desk, secret: desk-secret-at-the-idp-0123456789, redirect_uris: ["http://127.0.0.1/callback"]}
    resource_authorization_servers: [{issuer: ${base}/ras, client_id: desk-at-ras, secret: desk-secret-at-the-ras-0123456789}]
  - id: strict
    idp: {client_id: strict, secret: strict-secret-at-the-idp-012345678, dpop_bound_access_tokens: true, redirect_uris: ["http://127.0.0.1/callback"]}
  - id: phone
    idp: {client_id: phone, authentication: none, redirect_uris: ["http://127.0.0.1/callback"]}
  - id: writ-cli
    idp: {client_id: writ-cli, device_keys: true, redirect_uris: ["http://127.0.0.1/callback"]}
    resource_authorization_servers: [{issuer: ${base}/ras, client_id: writ-cli-at-ras, device_keys: true}]
servers:
${server('notes', '')}${server('vault', '\n    dpop_bound_access_tokens_required: true')}trusted_issuers:
  - {issuer: ${base}/idp, subject: user_id, clients: all, scope_ceiling: all}
`);
    writeFileSync(`${work}/objects/grants.yaml`, 'grants:\n  - {group: eng, agents: all, servers: [notes, vault], scopes: all, tools: all}\n');
  }

  async serve() {
    const log = openSync(`${this.work}/server.log`, 'a');
    this.child = spawn(join(this.bin, 'writ'), ['serve', '-c', `${this.work}/writ.yaml`], { stdio: ['ignore', log, log], env: this.env });
    for (let i = 0; i < 400; i++) {
      try { if ((await fetch(`${this.base}/idp/.well-known/openid-configuration`)).ok) return; } catch { /* not yet */ }
      await pause(50);
    }
    throw new Error('writ serve does not answer: ' + readFileSync(`${this.work}/server.log`, 'utf8').slice(-2000));
  }
  async kill(signal) {
    const ended = once(this.child, 'exit');
    this.child.kill(signal);
    await ended;
  }
  writ(...args) { return execFileSync(join(this.bin, 'writ'), args, { env: this.env, timeout: 60_000, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }); }
  reasons() {
    const text = this.writ('--json', 'audit', 'query', '--limit', '200');
    return (text.trimStart().startsWith('[') ? JSON.parse(text) : text.split('\n').filter(Boolean).map((line) => JSON.parse(line))).map((record) => record.reason);
  }
  async end() {
    if (this.child.exitCode === null && this.child.signalCode === null) await this.kill('SIGTERM');
    this.mcp.server.closeAllConnections();
    this.mcp.server.close();
    rmSync(this.work, { recursive: true, force: true });
  }
}
