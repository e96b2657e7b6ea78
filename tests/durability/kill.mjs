#!/usr/bin/env node
// R1: kill -9 at random under load. Judged by a ledger on the client's side, joined with the audit trail by jti at the end:
//   I1  no jti gives two access tokens, ever
//   I2  every acknowledged answer, token or denial, has exactly one record; every record of a token belongs to a request that was sent
//   I3  who must be denied never gets a token
//   I7  the chain verifies, and one changed byte is found
// and the server is ready within a second of its start.
// R2, with --aimed N: the server ends by itself, at the first, second, … N-th call of each function that writes, syncs, renames or answers, counted from
// its start (die_at.c); so the crash points of start, recovery and service are walked instead of hoped for.
// R12, with --clock N: instead of being killed the server's wall clock steps an hour ahead, back, an hour behind and back, N times under load; after each step
// every grant is presented again, and an access token is asked about (clock.c).
//   node kill.mjs --writ DIR_WITH_BINARIES [--kills 10] [--grants 0] [--aimed N] [--clock N] [--seed N] [--keep]
import { execFileSync, spawn } from 'node:child_process';
import { createHmac, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { closeSync, cpSync, mkdirSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

const { values: o } = parseArgs({ options: { writ: { type: 'string' }, kills: { type: 'string', default: '10' }, grants: { type: 'string', default: '0' },
  seed: { type: 'string', default: String(Date.now() % 1e6) }, connections: { type: 'string', default: '32' }, aimed: { type: 'string', default: '0' }, clock: { type: 'string', default: '0' }, keep: { type: 'boolean', default: false } } });
if (!o.writ) { console.error('usage: node kill.mjs --writ DIR [--kills N] [--grants N]'); process.exit(2); }
const kills = +o.kills, grantsWanted = +o.grants, connections = +o.connections;

// ---- a seeded order of events, so that a run can be repeated
let draws = 0;
const random = () => createHmac('sha256', o.seed).update(String(draws++)).digest().readUInt32BE(0) / 2 ** 32;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const freePort = () => new Promise((resolve) => { const s = http.createServer().listen(0, '127.0.0.1', () => { const { port } = s.address(); s.close(() => resolve(port)); }); });

// ---- an issuer of our own, whose ID-JAGs the server trusts
const directory = mkdtempSync(join(tmpdir(), 'writ-kill-'));
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const keys = JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'ES256', use: 'sig' }] });
const issuerServer = http.createServer((request, response) => response.writeHead(200, { 'content-type': 'application/json' }).end(keys));
await new Promise((resolve) => issuerServer.listen(0, '127.0.0.1', resolve));
const issuer = `http://127.0.0.1:${issuerServer.address().port}`;
const port = await freePort(), adminPort = await freePort();
const base = `http://127.0.0.1:${port}`, ras = `${base}/ras`, secret = randomUUID() + randomUUID();

const deployment = join(directory, 'deployment');
mkdirSync(deployment);
writeFileSync(join(deployment, 'objects.yaml'), `
groups: [{id: eng}]
users:
  - {name: alice, id: usr_alice, groups: [eng]}
  - {name: mallory, id: usr_mallory}
agents:
  - id: desk
    idp: {client_id: desk, secret: ${secret}}
    resource_authorization_servers: [{issuer: "${ras}", client_id: desk-at-ras, secret: ${secret}}]
resource_authorization_servers: [{issuer: "${ras}"}]
trusted_issuers:
  - {issuer: "${issuer}", jwks_uri: "${issuer}/jwks", subject: user_id, clients: [desk], scope_ceiling: all}
servers:
  - id: notes
    resource: ${base}/mcp/notes
    resource_authorization_server: ${ras}
    upstream: {url: "http://127.0.0.1:1/mcp"}
    scopes: [{name: mcp, default: true}]
`);
writeFileSync(join(deployment, 'grants.yaml'), 'grants:\n  - {group: eng, agents: [desk], servers: [notes], scopes: all, tools: all}\n');
writeFileSync(join(directory, 'writ.yaml'), `base_url: ${base}\ndata: data\nlisteners:\n  public: {address: "127.0.0.1:${port}"}\n  admin: {address: "127.0.0.1:${adminPort}"}\nlog: {level: info, format: text}\nobjects: deployment\npolicy: deployment\n`);

const b64 = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
function idJag(sub, key = privateKey) {
  const now = Math.floor(Date.now() / 1000), jti = randomUUID();
  const head = `${b64({ alg: 'ES256', typ: 'oauth-id-jag+jwt', kid: 'k1' })}.${b64({ iss: issuer, sub, aud: ras, client_id: 'desk-at-ras', resource: `${base}/mcp/notes`, scope: 'mcp', jti, iat: now, exp: now + 590 })}`;
  return { jti, token: `${head}.${sign('sha256', Buffer.from(head), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}` };
}

// ---- the server
let child, log = '';
const readyMs = [];
const here = import.meta.dirname ?? new URL('.', import.meta.url).pathname;
const points = ['fdatasync', 'fsync', 'write', 'pwrite', 'pwrite64', 'ftruncate', 'ftruncate64', 'rename', 'sendmsg'].flatMap((name) => Array.from({ length: +o.aimed }, (_, i) => `${name}:${i + 1}`));
const steps = +o.clock, clockFile = join(directory, 'clock');
const setClock = (seconds) => { const bytes = Buffer.alloc(8); bytes.writeBigInt64LE(BigInt(seconds)); const file = openSync(clockFile, 'r+'); writeSync(file, bytes, 0, 8, 0); closeSync(file); };
if (steps) {
  writeFileSync(clockFile, Buffer.alloc(8));
  execFileSync('cc', ['-shared', '-fPIC', '-O1', '-o', join(directory, 'clock.so'), join(here, 'clock.c'), '-ldl']);
}
if (points.length) execFileSync('cc', ['-shared', '-fPIC', '-O1', '-o', join(directory, 'die_at.so'), join(here, 'die_at.c'), '-ldl']);
// False: it ended at the point where it should.
async function start(point) {
  const begun = performance.now();
  const env = point ? { ...process.env, LD_PRELOAD: join(directory, 'die_at.so'), WRIT_DIE_AT: point } : steps ? { ...process.env, LD_PRELOAD: join(directory, 'clock.so'), WRIT_CLOCK_FILE: clockFile } : process.env;
  child = spawn(join(o.writ, 'writd'), ['serve', '-c', join(directory, 'writ.yaml')], { stdio: ['ignore', 'pipe', 'pipe'], env });
  child.gone = new Promise((resolve) => child.on('exit', (code, signal) => resolve({ code, signal })));
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => { log += data; });
  let gone = false;
  child.gone.then(() => { gone = true; });
  while (performance.now() - begun < 20_000) {
    if (gone && point) return false;
    if (gone) throw new Error(`the server ended at its start:\n${log.slice(-2000)}`);
    const ok = await new Promise((resolve) => http.get({ host: '127.0.0.1', port, path: '/readyz', agent: false }, (r) => { r.resume(); resolve(r.statusCode === 200); }).on('error', () => resolve(false)));
    if (ok) {
      if (!point) readyMs.push(performance.now() - begun);
      return true;
    }
    await sleep(2);
  }
  throw new Error(`the server was not ready within 20 s:\n${log.slice(-2000)}`);
}

let agent = new http.Agent({ keepAlive: true, maxSockets: connections });
const authorization = `Basic ${Buffer.from(`desk-at-ras:${secret}`).toString('base64')}`;
// The answer, or undefined when none came.
const redeem = (token) => post('/ras/token', `grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=${token}`);
const post = (path, body) => new Promise((resolve) => {
  const request = http.request({ host: '127.0.0.1', port, path, method: 'POST', agent, headers: { authorization, 'content-type': 'application/x-www-form-urlencoded', 'content-length': body.length } }, (response) => {
    let text = '';
    response.on('data', (d) => { text += d; });
    response.on('end', () => { try { resolve({ status: response.statusCode, ...JSON.parse(text) }); } catch { resolve(undefined); } });
    response.on('error', () => resolve(undefined));
    response.on('aborted', () => resolve(undefined));
  });
  request.on('error', () => resolve(undefined));
  request.end(body);
});

// ---- the ledger
const ledger = new Map();   // jti → { kind, sent, tokens, refused, unavailable }
const problems = [];
let newestToken = '';
const other = new Map();
function note(entry, answer) {
  if (!answer) return;
  if (answer.status === 200 && answer.access_token) entry.tokens++, newestToken = answer.access_token;
  else if (answer.status === 400 && (answer.error === 'invalid_grant' || answer.error === 'access_denied')) entry.refused++;
  else if (answer.status === 503) entry.unavailable++;
  else other.set(`${answer.status} ${answer.error ?? ''} ${answer.error_description ?? ''}`, (other.get(`${answer.status} ${answer.error ?? ''} ${answer.error_description ?? ''}`) ?? 0) + 1);
}
async function send(kind, made) {
  let entry = ledger.get(made.jti);
  if (!entry) ledger.set(made.jti, (entry = { kind, sent: 0, tokens: 0, refused: 0, unavailable: 0 }));
  entry.sent++;
  note(entry, await redeem(made.token));
}

let loading = false, round = [];
async function worker() {
  while (loading) {
    const made = idJag('usr_alice');
    round.push(made);
    await send('alice', made);
    if (child.exitCode !== null || child.signalCode) return;
  }
}
// 20 times a second: a person without a grant, and a signature of a stranger.
async function hostile() {
  while (loading) {
    const denied = idJag('usr_mallory');
    await send('mallory', denied);
    await send('forged', idJag('usr_alice', stranger));
    await sleep(100);
  }
}

// Every ID-JAG of the round once more, in parallel.
async function presentAgain() {
  const again = round.slice();
  await Promise.all(Array.from({ length: connections }, async () => { for (let made; (made = again.pop());) await send('alice', made); }));
}

// An access token of now is one of the past an hour later. An hour earlier it is not yet one, and what is spent stays spent all the while.
async function stepTheClock() {
  round = [], loading = true;
  const load = [hostile(), ...Array.from({ length: connections }, worker)];
  await sleep(400);
  const token = newestToken;
  for (const [seconds, active] of [[0, true], [3600, false], [0, true], [-3600, undefined], [0, true]]) {
    setClock(seconds);
    await sleep(200);
    const said = (await post('/ras/introspect', `token=${token}`))?.active;
    if (active !== undefined && said !== active) problems.push(`R12: with the clock ${seconds} s off a token of now is said to be ${said ? 'active' : 'not active'}`);
    await presentAgain();
  }
  loading = false;
  await Promise.all(load);
}

// ---- the run
const begun = Date.now();
let acknowledged = 0, done = 0, struck = 0;
const isGone = () => child.exitCode !== null || child.signalCode;
try {
  await start();
  for (; done < steps; done++) {
    await stepTheClock();
    for (const made of round) acknowledged += ledger.get(made.jti).tokens;
  }
  for (; steps ? false : points.length ? done < points.length : done < kills || acknowledged < grantsWanted; done++) {
    round = [];
    if (points.length) {
      child.kill('SIGKILL');
      await child.gone;
      await start(points[done]);
    }
    loading = !isGone();
    const load = loading ? [hostile(), ...Array.from({ length: connections }, worker)] : [];
    await (points.length ? Promise.race([child.gone, sleep(1500)]) : sleep(20 + random() * 1980));
    if (points.length && isGone()) struck++;
    child.kill('SIGKILL');
    await child.gone;
    loading = false;
    agent.destroy();
    agent = new http.Agent({ keepAlive: true, maxSockets: connections });
    await Promise.all(load);
    await start();
    await presentAgain();
    for (const made of round) acknowledged += ledger.get(made.jti).tokens;
    if (done % 20 === 19) console.log(`${done + 1} kills, ${acknowledged} grants, ${Math.round((Date.now() - begun) / 1000)} s`);
    if (Date.now() - begun > 3_600_000) { problems.push('the run did not end within an hour'); break; }
  }
  child.kill('SIGTERM');
  const { code } = await child.gone;
  if (code !== 0) problems.push(`the server ended with ${code} after SIGTERM`);

  // ---- what the trail says
  const audit = join(directory, 'data', 'audit');
  const records = new Map();   // jti → { allow, deny }
  // Line by line: a fast machine writes more in these minutes than one string can hold.
  const exporting = spawn(join(o.writ, 'writ'), ['audit', 'export', '--dir', audit, '--format', 'records'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exported = new Promise((resolve) => exporting.on('close', resolve));
  let position = 0, total = 0;
  for await (const line of createInterface({ input: exporting.stdout })) {
    if (!line) continue;
    total++;
    const record = JSON.parse(line);
    if (record.position !== position + 1) problems.push(`record ${record.position} follows record ${position}`);
    position = record.position;
    if (record.event !== 'access_token' || !record.id_jag_jti) continue;
    const counts = records.get(record.id_jag_jti) ?? { allow: 0, deny: 0 };
    counts[record.effect]++;
    records.set(record.id_jag_jti, counts);
  }
  const exportEnd = await exported;
  if (exportEnd !== 0) problems.push(`the export ended with ${exportEnd}`);
  let tokens = 0, refusals = 0, unanswered = 0, unavailable = 0;
  for (const [jti, entry] of ledger) {
    const counts = records.get(jti) ?? { allow: 0, deny: 0 };
    tokens += entry.tokens, refusals += entry.refused, unavailable += entry.unavailable, unanswered += entry.sent - entry.tokens - entry.refused - entry.unavailable;
    if (entry.tokens > 1) problems.push(`I1: ${jti} gave ${entry.tokens} tokens`);
    if (counts.allow > 1) problems.push(`I1: ${jti} was recorded as given ${counts.allow} times`);
    if (entry.kind !== 'alice' && entry.tokens > 0) problems.push(`I3: ${entry.kind} got a token`);
    if (entry.tokens > counts.allow) problems.push(`I2: the record of the token for ${jti} is lost`);
    if (entry.kind !== 'forged' && entry.refused > counts.deny) problems.push(`I2: ${entry.refused} refusals of ${jti}, ${counts.deny} records`);
    if (counts.allow + counts.deny > entry.sent) problems.push(`I2: ${jti} was sent ${entry.sent} times and recorded ${counts.allow + counts.deny} times`);
  }
  for (const jti of records.keys()) if (!ledger.has(jti)) problems.push(`I2: a record of ${jti}, which nobody sent`);
  for (const [what, count] of other) problems.push(`${count} answers that nobody expected: ${what}`);

  const verify = (args) => { try { execFileSync(join(o.writ, 'writ'), ['audit', 'verify', ...args], { encoding: 'utf8', stdio: 'pipe' }); return ''; } catch (e) { return e.stdout || e.stderr || String(e); } };
  const found = verify(['--dir', audit]);
  if (found) problems.push(`I7: the chain does not verify: ${found}`);
  const copy = join(directory, 'copy');
  cpSync(audit, copy, { recursive: true });
  const segment = join(copy, readdirSync(copy).filter((name) => name.endsWith('.audit'))[0]);
  const bytes = readFileSync(segment);
  bytes[1000] ^= 1;
  writeFileSync(segment, bytes);
  if (!verify(['--dir', copy])) problems.push('I7: one changed byte was not found');

  // The offline verifier, which was written apart: whole is whole, and what was done to a line is named by the record's position.
  const trail = join(directory, 'trail.jsonl');
  writeFileSync(trail, execFileSync(join(o.writ, 'writ'), ['audit', 'export', '--dir', audit, '--format', 'chain', '--after', String(Math.max(0, position - 500))], { maxBuffer: 1 << 30 }));
  const offline = (file) => { try { execFileSync('python3', [join(here, '../../script/verify-audit'), file, '--keys', join(audit, 'keys.json')], { encoding: 'utf8', stdio: 'pipe' }); return ''; } catch (e) { return e.stdout || e.stderr || String(e); } };
  const whole = offline(trail);
  if (whole) problems.push(`S5: the offline verifier finds fault with a whole trail: ${whole}`);
  const lines = readFileSync(trail, 'utf8').split('\n'), at = lines.findIndex((line) => line.includes(`"position":${position - 200},`)), wanted = new RegExp(`record (${position - 200}|${position - 199})\\b`);
  for (const [name, tampered] of Object.entries({
    changed: lines.with?.(at, lines[at].replace('"time":"2', '"time":"3')) ?? lines.map((line, i) => (i === at ? line.replace('"time":"2', '"time":"3') : line)),
    removed: lines.filter((_, i) => i !== at), doubled: lines.flatMap((line, i) => (i === at ? [line, line] : [line])),
    moved: lines.flatMap((line, i) => (i === at ? [] : lines[i - 1] === lines[at] && line.includes('"record"') ? [line, lines[at]] : [line])) })) {
    writeFileSync(trail, tampered.join('\n'));
    const said = offline(trail);
    if (!wanted.test(said)) problems.push(`S5: the offline verifier did not name the ${name} record ${position - 200}: ${said || 'nothing'}`);
    try { execFileSync(join(o.writ, 'writ'), ['audit', 'verify', trail], { stdio: 'pipe' }); problems.push(`S5: writ audit verify did not find the ${name} record`); } catch { /* exit 1: found */ }
  }

  const slowest = Math.max(...readyMs), sorted = readyMs.slice().sort((a, b) => a - b);
  if (slowest > 1000) problems.push(`ready after ${Math.round(slowest)} ms: more than a second`);
  console.log(`${done} ${steps ? 'times the clock stepped' : 'kills'} (${points.length ? `${struck} of them at the call that was meant, the others after 1.5 s` : `seed ${o.seed}`}), ${tokens} grants, ${refusals} refusals, ${unanswered} without an answer, ${unavailable} unavailable; ${total} records; ` +
    `torn tails cut: ${(log.match(/left half written were cut/g) ?? []).length}; ready after ${Math.round(sorted[sorted.length >> 1])} ms (median), ${Math.round(slowest)} ms (slowest); ${Math.round((Date.now() - begun) / 1000)} s`);
  if (points.length && struck < points.length / 4) problems.push(`only ${struck} of ${points.length} points were reached: the functions that are counted are not those that are called`);
  if (tokens === 0) problems.push('not one token was given');
} catch (error) {
  problems.push(String(error?.stack ?? error));
} finally {
  if (child && child.exitCode === null && !child.signalCode) child.kill('SIGKILL');
  issuerServer.close();
  if (o.keep || problems.length) console.log(`kept: ${directory}`);
  else rmSync(directory, { recursive: true, force: true });
}
for (const problem of problems.slice(0, 20)) console.log(`FAIL ${problem}`);
console.log(`${problems.length === 0 ? 1 : 0} passed, ${problems.length} failed`);
process.exit(problems.length === 0 ? 0 : 1);
