// Two `writ serve` processes that are nodes of one deployment, behind a balancer, in front of a small MCP server; and what people and agents do there.
import { execFile, spawn } from 'node:child_process';
import { createHash, generateKeyPairSync, randomBytes, randomUUID, sign } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Authority } from './certificates.mjs';
import { freePort, sleep } from './postgresql.mjs';
import { Talks } from './sessions.mjs';

const secret = randomUUID() + randomUUID();
const b64 = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

export class World {
  constructor(binaries, lease) {
    this.binaries = binaries, this.lease = lease;
    this.directory = mkdtempSync(join(tmpdir(), 'writ-nodes-'));
    this.nodes = {};
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.key = privateKey;
    const keys = JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'ES256', use: 'sig' }] });
    this.issuerServer = http.createServer((_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end(keys));
    this.upstream = http.createServer((request, response) => this.serveMcp(request, response));
    this.upstreamCalls = 0;
    this.talks = new Talks();
    this.authority = new Authority(this.directory, 'nodes-ca');
  }
  async open(people) {
    const listen = (server) => new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port)));
    this.issuer = `http://127.0.0.1:${await listen(this.issuerServer)}`;
    const upstreamPort = await listen(this.upstream);
    // Whoever follows the public address comes to some node that is there.
    let turn = 0;
    this.balancer = net.createServer((near) => {
      const up = Object.values(this.nodes).filter((node) => node.child?.exitCode === null && !node.child.signalCode && node.isReady);
      if (up.length === 0) return near.destroy();
      const far = net.connect(up[turn++ % up.length].port, '127.0.0.1');
      near.pipe(far), far.pipe(near);
      for (const [one, other] of [[near, far], [far, near]]) one.on('error', () => other.destroy()), one.on('close', () => other.destroy());
    });
    this.host = `127.0.0.1:${await listen(this.balancer)}`;
    this.base = `http://${this.host}`;
    this.ras = `${this.base}/ras`;
    this.resource = `${this.base}/mcp/notes`;
    this.talksResource = `${this.base}/mcp/talks`;
    const deployment = join(this.directory, 'deployment');
    mkdirSync(deployment);
    writeFileSync(join(this.directory, 'sealing.key'), randomBytes(32), { mode: 0o600 });
    writeFileSync(join(deployment, 'objects.yaml'), `
groups: [{id: eng}]
users:
${people.map((name) => `  - {name: ${name}, id: usr_${name}, groups: [eng], password: ${name}-password}`).join('\n')}
  - {name: mallory, id: usr_mallory}
agents:
  - id: desk
    idp: {client_id: desk, secret: ${secret}, redirect_uris: ["http://127.0.0.1:9/callback"]}
    resource_authorization_servers: [{issuer: "${this.ras}", client_id: desk, secret: ${secret}}]
resource_authorization_servers: [{issuer: "${this.ras}"}]
trusted_issuers:
  - {issuer: "${this.issuer}", jwks_uri: "${this.issuer}/jwks", subject: user_id, clients: [desk], scope_ceiling: all}
  - {issuer: "${this.base}/idp", subject: user_id, clients: all, scope_ceiling: all}
servers:
  - id: notes
    resource: ${this.resource}
    resource_authorization_server: ${this.ras}
    upstream: {url: "http://127.0.0.1:${upstreamPort}/mcp", era: legacy}
    first_use: allow
    scopes: [{name: mcp, default: true}]
  - id: talks
    resource: ${this.talksResource}
    resource_authorization_server: ${this.ras}
    upstream: {url: "http://127.0.0.1:${upstreamPort}/talks", era: legacy}
    first_use: allow
    scopes: [{name: mcp, default: true}]
`);
    writeFileSync(join(deployment, 'grants.yaml'), 'grants:\n  - {group: eng, agents: [desk], servers: [notes, talks], scopes: all, tools: all}\n');
    mkdirSync(join(this.directory, 'nobody'));
    writeFileSync(join(this.directory, 'nobody', 'grants.yaml'), 'grants: []\n');
  }
  serveMcp(request, response) {
    if (request.url === '/talks') return this.talks.serve(request, response);
    if (request.method === 'GET') {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': open\n\n');
      return;
    }
    let body = '';
    request.on('data', (d) => { body += d; });
    request.on('end', () => {
      const message = body ? JSON.parse(body) : {};
      if (message.id === undefined) return response.writeHead(202).end();
      const tools = [{ name: 'get_note', description: 'Reads a note', annotations: { readOnlyHint: true }, inputSchema: { type: 'object', properties: { note: { type: 'string' } } } }];
      if (message.method === 'tools/call') this.upstreamCalls++;
      const result = message.method === 'initialize' ? { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'notes', version: '1' } }
        : message.method === 'tools/list' ? { tools } : { content: [{ type: 'text', text: `note ${message.params?.arguments?.note}` }] };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result }));
    });
  }

  // `database`: the port that this node reaches the database by.
  async start(name, database, { expectEnd = false } = {}) {
    const node = this.nodes[name] ??= { name, port: await freePort(), url: `https://127.0.0.1:${await freePort()}`, tls: this.authority.issue(`node-${name}`, 'IP:127.0.0.1'), socket: join(this.directory, `${name}.sock`), log: '' };
    node.database = database;
    node.isReady = false;
    const file = join(this.directory, `${name}.yaml`);
    writeFileSync(file, `base_url: ${this.base}\nnode: ${name}\ndata: data-${name}\nlisteners:\n  public: {address: "127.0.0.1:${node.port}"}\n  admin: {address: none, socket: ${node.socket}}\n` +
      `  internal: {address: "${node.url.slice('https://'.length)}", tls: {certificate: ${node.tls.certificate}, key: ${node.tls.key}, authorities: ${this.authority.file}}}\n` +
      `keys: {sealing_key_file: sealing.key}\nstore: {postgresql: "host=127.0.0.1 port=${database} user=writ dbname=writ", nodes: {lease: ${this.lease}s}}\nlog: {level: info, format: text}\nobjects: deployment\npolicy: deployment\n`);
    const begun = performance.now();
    node.child = spawn(join(this.binaries, 'writd'), ['serve', '-c', file], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [node.child.stdout, node.child.stderr]) stream.on('data', (d) => { node.log += d; });
    node.gone = new Promise((resolve) => node.child.on('exit', (code, signal) => resolve({ code, signal })));
    if (expectEnd) return { code: (await node.gone).code, log: node.log };
    while (performance.now() - begun < 30_000) {
      if (node.child.exitCode !== null) throw new Error(`node ${name} ended at its start:\n${node.log.slice(-2000)}`);
      if ((await this.ask(name, 'GET', '/readyz')).status === 200) {
        node.isReady = true;
        return performance.now() - begun;
      }
      await sleep(10);
    }
    throw new Error(`node ${name} was not ready within 30 s:\n${node.log.slice(-2000)}`);
  }
  // Of a node, of something else that its authority vouches for, and of what another one does.
  nodeCertificates() {
    const read = (files) => ({ ca: readFileSync(this.authority.file), cert: readFileSync(files.certificate), key: readFileSync(files.key) });
    const other = new Authority(this.directory, 'other-ca');
    return { own: read(this.nodes.b.tls), stranger: read(this.authority.issue('printer', 'DNS:printer.example')), foreign: read(other.issue('fake', 'IP:127.0.0.1')) };
  }
  async close() {
    for (const node of Object.values(this.nodes)) if (node.child && node.child.exitCode === null && !node.child.signalCode) node.child.kill('SIGKILL'), await node.gone;
    this.agent.destroy();
    for (const server of [this.balancer, this.issuerServer, this.upstream]) server?.closeAllConnections?.(), server?.close();
    rmSync(this.directory, { recursive: true, force: true });
  }

  agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
  // One request to one node; status 0: no answer.
  ask(name, method, path, { headers = {}, body, within = 20_000 } = {}) {
    return new Promise((resolve) => {
      const request = http.request({ host: '127.0.0.1', port: this.nodes[name].port, path, method, agent: this.agent, timeout: within, headers: { host: this.host, ...headers, ...(body ? { 'content-length': Buffer.byteLength(body) } : {}) } }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (d) => { text += d; });
        response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text }));
        response.on('error', () => resolve({ status: 0, text: '' }));
      });
      request.on('timeout', () => request.destroy());
      request.on('error', () => resolve({ status: 0, text: '' }));
      request.end(body);
    });
  }
  async form(name, path, fields) {
    const answer = await this.ask(name, 'POST', path, { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: new URLSearchParams({ client_id: 'desk', client_secret: secret, ...fields }).toString() });
    try { return { status: answer.status, ...JSON.parse(answer.text) }; } catch { return { status: answer.status }; }
  }
  // An ID-JAG of the issuer of this test.
  idJag(user, resource = this.resource) {
    const now = Math.floor(Date.now() / 1000), jti = randomUUID();
    const head = `${b64({ alg: 'ES256', typ: 'oauth-id-jag+jwt', kid: 'k1' })}.${b64({ iss: this.issuer, sub: `usr_${user}`, aud: this.ras, client_id: 'desk', resource, scope: 'mcp', jti, iat: now, exp: now + 590 })}`;
    return { jti, user, token: `${head}.${sign('sha256', Buffer.from(head), { key: this.key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}` };
  }
  redeem(name, token) { return this.form(name, '/ras/token', { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: token }); }
  exchange(name, idToken) {
    return this.form(name, '/idp/token', { grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange', requested_token_type: 'urn:ietf:params:oauth:token-type:id-jag', audience: this.ras, resource: this.resource,
      subject_token: idToken, subject_token_type: 'urn:ietf:params:oauth:token-type:id_token' });
  }
  refresh(name, token) { return this.form(name, '/idp/token', { grant_type: 'refresh_token', refresh_token: token }); }
  // The sign-in, each of its steps at the next of `names`; the code of its end. `pushed`: the request was pushed before.
  async signIn(names, user, pushed) {
    const asked = pushed ?? this.request();
    const path = `/idp/authorize?${new URLSearchParams(pushed ? { client_id: 'desk', request_uri: pushed.request_uri } : asked.parameters)}`;
    const end = await this.browse(names, user, path, (answer) => {
      const url = answer.status >= 300 && answer.status < 400 ? new URL(answer.headers.location, this.base) : undefined;
      return url?.port === '9' ? url.searchParams : undefined;
    });
    return { code: end.get('code'), error: end.get('error'), verifier: asked.verifier };
  }
  request() {
    const verifier = randomBytes(32).toString('base64url'), challenge = createHash('sha256').update(verifier).digest('base64url');
    return { verifier, parameters: { response_type: 'code', client_id: 'desk', redirect_uri: 'http://127.0.0.1:9/callback', scope: 'openid offline_access', state: 's', nonce: 'n', code_challenge: challenge, code_challenge_method: 'S256' } };
  }
  // A browser that fills in every form and presses its first button, until `end` says something of an answer. No node sees two of its steps in a row.
  async browse(names, user, path, end) {
    const turns = [names].flat();
    let method = 'GET', body;
    const cookies = new Map();
    for (let step = 0; step < 12; step++) {
      const headers = { cookie: [...cookies].map(([k, v]) => `${k}=${v}`).join('; '), ...(body ? { 'content-type': 'application/x-www-form-urlencoded', origin: this.base } : {}) };
      const answer = await this.ask(turns[step % turns.length], method, path, { headers, body });
      for (const cookie of answer.headers?.['set-cookie'] ?? []) { const [k, ...v] = cookie.split(';')[0].split('='); cookies.set(k, v.join('=')); }
      const ended = end(answer);
      if (ended !== undefined) return ended;
      if (answer.status >= 300 && answer.status < 400) {
        const url = new URL(answer.headers.location, this.base);
        path = url.pathname + url.search, method = 'GET', body = undefined;
        continue;
      }
      const form = answer.text.match(/<form\b[^>]*>[\s\S]*?<\/form>/i)?.[0];
      if (!form) throw new Error(`no form: ${answer.status} ${answer.text.slice(0, 200)}`);
      const unescape = (text) => text.replaceAll('&amp;', '&').replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&#39;', "'");
      const fields = new URLSearchParams();
      for (const tag of form.match(/<(?:input|button)\b[^>]*>/gi)) {
        const at = Object.fromEntries([...tag.matchAll(/([\w-]+)\s*=\s*"([^"]*)"/g)].map((m) => [m[1].toLowerCase(), unescape(m[2])]));
        if (!at.name || fields.has(at.name)) continue;
        fields.set(at.name, at.type === 'password' ? `${user}-password` : ['text', 'email', undefined].includes(at.type) ? at.value || user : at.value ?? '');
      }
      const action = unescape(form.match(/action\s*=\s*"([^"]*)"/i)?.[1] ?? '');
      const url = new URL(action || path, this.base);
      path = url.pathname + url.search, method = 'POST', body = fields.toString();
    }
    throw new Error('the sign-in does not end');
  }
  redeemCode(name, { code, verifier }) { return this.form(name, '/idp/token', { grant_type: 'authorization_code', code, redirect_uri: 'http://127.0.0.1:9/callback', code_verifier: verifier }); }
  async mcp(name, token, method, params = {}) {
    const answer = await this.ask(name, 'POST', '/mcp/notes', { headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', accept: 'application/json, text/event-stream', 'mcp-protocol-version': '2025-11-25' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }) });
    try { return { status: answer.status, ...JSON.parse(answer.text) }; } catch { return { status: answer.status }; }
  }
  call(name, token, note) { return this.mcp(name, token, 'tools/call', { name: 'get_note', arguments: { note } }); }
  // A standing stream; `ended` settles with the time of its end.
  stream(name, token) {
    return new Promise((resolve, reject) => {
      const request = http.get({ host: '127.0.0.1', port: this.nodes[name].port, path: '/mcp/notes', agent: false, headers: { host: this.host, authorization: `Bearer ${token}`, accept: 'text/event-stream', 'mcp-protocol-version': '2025-11-25' } }, (response) => {
        if (response.statusCode !== 200) { response.resume(); return reject(new Error(`no stream: ${response.statusCode}`)); }
        response.resume();
        const stream = { isOpen: true, ended: new Promise((end) => response.on('close', () => { stream.isOpen = false; end(performance.now()); })), close: () => request.destroy() };
        response.on('error', () => {});
        resolve(stream);
      });
      request.on('error', reject);
    });
  }
  // The command as an administrator of that node types it.
  writ(name, ...words) {
    return new Promise((resolve) => execFile(join(this.binaries, 'writ'), words, { env: { ...process.env, WRIT_SOCKET: this.nodes[name].socket }, timeout: 40_000, cwd: this.directory },
      (error, stdout, stderr) => resolve({ code: error ? error.code ?? 1 : 0, stdout, stderr, at: performance.now() })));
  }
}
