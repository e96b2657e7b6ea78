#!/usr/bin/env node
// Several nodes (rules §7, R8 to R11, S8): what one acknowledges all obey, a grant is given once whoever is asked, and a node that cannot hear the others stops.
// Judged by a ledger of what was answered, joined with the records in the database at the end.
//   node nodes.mjs --writ DIR_WITH_BINARIES [--long] [--only name,name] [--lease SECONDS] [--verbose]
import { rmSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { Postgresql, Wire, sleep } from './postgresql.mjs';
import { sessions } from './sessions.mjs';
import { World } from './world.mjs';

const { values: o } = parseArgs({ options: { writ: { type: 'string' }, long: { type: 'boolean', default: false }, only: { type: 'string' }, lease: { type: 'string', default: '2' }, verbose: { type: 'boolean', default: false } } });
if (!o.writ) { console.error('usage: node nodes.mjs --writ DIR [--long]'); process.exit(2); }
const lease = +o.lease, leaseMs = lease * 1000;

let passed = 0, failed = 0;
function check(sentence, holds, seen = '') {
  holds ? passed++ : failed++;
  console.log(`${holds ? 'ok  ' : 'FAIL'} ${sentence}${seen !== '' && (!holds || o.long) ? ` (${seen})` : ''}`);
}
const people = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank', 'grace', 'heidi', 'judy'];
const postgresql = new Postgresql(), standby = new Postgresql('standby'), world = new World(o.writ, lease);
let database = postgresql;   // the one that decides
const near = new Wire(() => database.port), wire = new Wire(() => database.port);   // of node a, and of all others

// ---- the ledger: what was answered for each jti
const ledger = new Map();
function note(grant, answer) {
  const entry = ledger.get(grant.jti) ?? { user: grant.user, tokens: 0, refused: 0, unavailable: 0, unanswered: 0, other: [] };
  ledger.set(grant.jti, entry);
  if (answer.status === 200 && answer.access_token) entry.tokens++;
  else if (answer.status === 400 && ['invalid_grant', 'access_denied'].includes(answer.error)) entry.refused++;
  else if (answer.status === 503) entry.unavailable++;
  else if (answer.status === 0) entry.unanswered++;
  else entry.other.push(`${answer.status} ${answer.error ?? ''}`);
  return answer;
}
const redeem = async (name, grant) => note(grant, await world.redeem(name, grant.token));
// An answer that is no 503: a test of something else must not stumble over a moment without a lease on a busy machine.
async function answered(ask, seconds = 10) {
  for (const end = Date.now() + seconds * 1000; ; await sleep(50)) {
    const answer = await ask();
    if ((answer.status !== 503 && answer.status !== 0) || Date.now() > end) return answer;
  }
}
async function until(holds, seconds) {
  const begun = performance.now();
  while (performance.now() - begun < seconds * 1000) {
    if (await holds()) return performance.now() - begun;
    await sleep(20);
  }
  return undefined;
}
const token = async (name, user) => (await answered(() => world.redeem(name, world.idJag(user).token))).access_token;

const parts = {
  async signing_in() {
    const code = await world.signIn('a', 'alice');
    const first = await world.redeemCode('b', code);
    check('signed in on one node, the code is redeemed on the other', first.status === 200, JSON.stringify(first).slice(0, 200));
    const again = await world.redeemCode('a', code);
    check('and not once more on the first', again.status === 400 && again.error === 'invalid_grant', JSON.stringify(again));
    const other = await world.redeemCode('b', await world.signIn('a', 'alice'));
    const exchanged = await world.exchange('a', other.id_token);
    check('exchanged on one', exchanged.status === 200, JSON.stringify(exchanged).slice(0, 200));
    const redeemed = await world.redeem('b', exchanged.access_token);
    check('redeemed on the other', redeemed.status === 200, JSON.stringify(redeemed).slice(0, 200));
    check('and not once more', (await world.redeem('a', exchanged.access_token)).error === 'invalid_grant');
    for (const name of ['a', 'b']) {
      await world.mcp(name, redeemed.access_token, 'tools/list');
      const called = await answered(() => world.call(name, redeemed.access_token, name));
      check(`its token calls on node ${name}`, called.result?.content?.[0]?.text === `note ${name}`, JSON.stringify(called).slice(0, 300));
    }
    const second = await world.refresh('b', other.refresh_token);
    check('refreshed on one', second.status === 200 && second.refresh_token, JSON.stringify(second).slice(0, 200));
    const third = await world.refresh('a', second.refresh_token);
    check('its successor on the other', third.status === 200, JSON.stringify(third).slice(0, 200));
    const reused = await world.refresh('b', other.refresh_token);
    check('its predecessor is a reuse on either', reused.error === 'invalid_grant', JSON.stringify(reused));
    check('which ends the family everywhere', (await world.refresh('a', third.refresh_token)).error === 'invalid_grant');
  },

  // Rules §7.3: what waits for a person is known to every node. The client asks one, the browser comes to another, and no balancer keeps them together.
  async requests_on_their_way() {
    const asked = world.request();
    const pushed = await world.form('a', '/idp/par', asked.parameters);
    check('a request is pushed to one node', pushed.status === 201, JSON.stringify(pushed));
    const code = await world.signIn(['b', 'a'], 'alice', { ...asked, request_uri: pushed.request_uri });
    check('the browser comes to the other with it, and each step of the sign-in to another node', code.code, JSON.stringify(code));
    check('its code is redeemed', (await world.redeemCode('a', code)).status === 200);
    const again = await world.ask('a', 'GET', `/idp/authorize?${new URLSearchParams({ client_id: 'desk', request_uri: pushed.request_uri })}`);
    check('no node begins with it once more', again.status === 400, again.status);
    const begun = await world.form('a', '/idp/device_authorization', { scope: 'openid' });
    const poll = (name) => world.form(name, '/idp/token', { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code: begun.device_code });
    check('a device begins at one node', begun.status === 200 && begun.user_code, JSON.stringify(begun));
    check('and may ask any', (await poll('b')).error === 'authorization_pending');
    const page = await world.browse(['b', 'a'], 'alice', `/device?user_code=${begun.user_code}`, (answer) => (/>Connected</.test(answer.text) ? answer.status : undefined));
    check('its person lets it in at another', page === 200, page);
    check('it hears so', (await poll('a')).status === 200);
    check('once, from all of them', (await poll('b')).error !== undefined);
  },

  // Rules §7.3: a session is answered by the node that has it, whichever is asked.
  async sessions() { await sessions({ world, check, answered, wire, long: o.long, leaseMs }); },

  // R11, I1
  async one_grant_two_nodes() {
    const [grants, requests] = o.long ? [1000, 200] : [40, 20];
    const wrong = [];
    for (let done = 0; done < grants; done += 10) {
      await Promise.all(Array.from({ length: 10 }, async () => {
        const grant = world.idJag('alice');
        const answers = await Promise.all(Array.from({ length: requests }, (_, i) => redeem(i % 2 ? 'a' : 'b', grant)));
        const tokens = answers.filter((answer) => answer.status === 200).length;
        if (tokens !== 1) wrong.push(`${tokens} tokens: ${JSON.stringify(answers.find((answer) => answer.status !== 200))}`);
      }));
    }
    check(`of ${requests} requests with one grant, alternating over both nodes, exactly one is answered, ${grants} times`, wrong.length === 0, `${wrong.length}, the first: ${wrong[0]}`);
  },

  // Rules §7.2, G14
  async obeying() {
    const bob = await token('b', 'bob');
    const stream = await world.stream('b', bob);
    const begun = performance.now();
    const disabled = await world.writ('a', 'user', 'disable', 'bob');
    check('disabling a user on one node is acknowledged', disabled.code === 0, disabled.stderr + disabled.stdout);
    const call = await world.call('b', bob, 'x'), redeemed = await redeem('b', world.idJag('bob'));
    check('from then on the other node refuses his token', call.status === 401 || call.status === 403, JSON.stringify(call));
    check('and his grants', redeemed.status === 400, JSON.stringify(redeemed));
    const ended = (await Promise.race([stream.ended, sleep(3000).then(() => Infinity)])) - disabled.at;
    check('his stream there ends within a second', ended <= 1000, `${Math.round(ended)} ms after the acknowledgement, which took ${Math.round(disabled.at - begun)} ms with the start of the command`);
    stream.close();

    const carol = await token('a', 'carol');
    const activated = await world.writ('b', 'policy', 'apply', 'nobody', '--reason', 'a test');
    const denied = await world.call('a', carol, 'x');
    check('a policy that one node activates the other obeys when it is acknowledged', activated.code === 0 && (denied.status !== 200 || denied.result?.isError === true), JSON.stringify({ ...activated, denied }).slice(0, 500));
    const back = await world.writ('a', 'policy', 'apply', 'deployment', '--reason', 'a test');
    const allowed = await answered(() => world.call('b', carol, 'y'));
    check('and the one after it', back.code === 0 && allowed.result?.isError !== true && allowed.status === 200, JSON.stringify({ ...back, allowed }).slice(0, 500));
    const times = [];
    for (let i = 0; i < 5; i++) {
      const from = performance.now();
      const changed = await world.writ(i % 2 ? 'a' : 'b', 'user', i % 2 ? 'enable' : 'disable', 'dave');
      if (changed.code !== 0) check('changes from either node follow each other', false, changed.stderr);
      times.push(performance.now() - from);
    }
    check('changes from either node follow each other', true, `${Math.round(Math.min(...times))} to ${Math.round(Math.max(...times))} ms with the start of the command`);
  },

  // A balancer sends each request of a directory to another node: what one was told, the objects and what is merely kept, the other shows and goes on from.
  async directories() {
    const added = await world.writ('a', 'connector', 'add', 'corp', 'issuer=https://sso.corp.example', 'client_id=w', 'client_authentication=none', 'scim=true', 'just_in_time=false');
    const made = await world.writ('b', 'connector', 'scim-token', 'corp', '--json');
    check('a directory gets its token', added.code === 0 && made.code === 0, added.stderr + made.stderr);
    const { token: secret } = JSON.parse(made.stdout);
    const scim = async (name, method, path, resource) => {
      const answer = await answered(() => world.ask(name, method, `/scim/v2${path}`, { headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/scim+json' }, body: resource && JSON.stringify(resource) }));
      return { status: answer.status, text: answer.text, body: answer.text ? JSON.parse(answer.text) : {} };
    };
    const user = { schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], userName: 'ines', name: { givenName: 'Ines', familyName: 'B' }, nickName: 'In' };
    const created = await scim('a', 'POST', '/Users', user), path = `/Users/${created.body.id}`;
    const shown = await scim('b', 'GET', path);
    check('whom a directory makes at one node the other shows, with all that was said', created.status === 201 && shown.text === created.text, `${created.text} ${shown.text}`);
    const patched = await scim('b', 'PATCH', path, { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations: [{ op: 'replace', value: { nickName: 'Inez', title: 'Lead' } }] });
    const after = await scim('a', 'GET', path);
    check('what is changed there the first one shows', patched.status === 200 && patched.body.name?.givenName === 'Ines' && after.body.nickName === 'Inez' && after.text === patched.text, `${patched.text} ${after.text}`);
    const nodes = ['a', 'b'], many = await Promise.all([...Array(20).keys()].map((i) => scim(nodes[i % 2], 'POST', '/Users', { ...user, userName: `many${i}`, nickName: `n${i}` })));
    const lists = await Promise.all(nodes.map((name) => scim(name, 'GET', '/Users?count=50&attributes=userName,nickName')));
    check('both make people at the same moment, and show the same ones', many.every((one) => one.status === 201) && lists[0].body.totalResults === 21 && lists[0].text === lists[1].text, lists.map((one) => one.text.slice(0, 300)).join(' '));
    const gone = await scim('a', 'DELETE', path), missing = await scim('b', 'GET', path);
    check('whom one removes is gone at the other', gone.status === 204 && missing.status === 404, `${gone.status} ${missing.status}`);
    const disabled = await world.writ('a', 'connector', 'disable', 'corp');
    check('when its connector is disabled a directory is refused everywhere', disabled.code === 0 && [401, 403].includes((await scim('b', 'GET', '/Users')).status), disabled.stderr);
  },

  // R10: only its wire to the database fails.
  async cut_off() {
    for (const [mode, user] of o.long ? [['hole', 'erin'], ['deaf', 'frank'], ['slow', 'grace'], ['cut', 'heidi']] : [['hole', 'erin'], ['cut', 'frank']]) {
      const before = await token('b', user);
      const stream = await world.stream('b', before);
      wire.set(mode);
      const begun = performance.now();
      const grant = world.idJag(user);
      const disabling = world.writ('a', 'user', 'disable', user);
      const first = await redeem('b', grant);
      check(`${mode}: the node that is cut off redeems nothing`, first.status === 503 || first.status === 0, JSON.stringify(first));
      const disabled = await disabling;
      check(`${mode}: the other one is not held up longer than the lease`, disabled.code === 0 && disabled.at - begun < leaseMs + 2500, `${disabled.code} after ${Math.round(disabled.at - begun)} ms: ${disabled.stderr}`);
      const call = await world.call('b', before, 'x');
      check(`${mode}: by then the node that is cut off serves nothing any more`, call.status === 503, JSON.stringify(call));
      const ended = (await Promise.race([stream.ended, sleep(2000).then(() => Infinity)])) - disabled.at;
      check(`${mode}: nor does its stream go on`, ended <= 1000, `${Math.round(ended)} ms after`);
      stream.close();
      check(`${mode}: the other one goes on`, (await answered(() => world.redeem('a', world.idJag('alice').token))).status === 200);
      wire.set('pass');
      const healed = await until(async () => (await world.ask('b', 'GET', '/readyz')).status === 200, 15);
      check(`${mode}: it serves again when it can hear the others`, healed !== undefined, healed === undefined ? world.nodes.b.log.slice(-1500) : `after ${Math.round(healed)} ms`);
      const after = await answered(() => redeem('b', world.idJag(user)));
      check(`${mode}: and knows what it has missed`, after.status === 400, JSON.stringify(after));
    }
  },

  // Rules §7.1: calls are decided and recorded without the database, for as long as the lease lasts; their records arrive, whatever becomes of the node.
  async spooled_calls() {
    const carol = await token('b', 'carol');
    await world.mcp('b', carol, 'tools/list');
    await answered(() => world.call('b', carol, 'before'));
    const count = (effect) => +database.sql(`SELECT count(*) FROM records WHERE event = 'call' AND effect = '${effect}' AND convert_from(user_id, 'UTF8') = 'usr_carol' AND node = (SELECT number FROM node_logs WHERE convert_from(name, 'UTF8') = 'b')`);
    await sleep(300);
    const before = count('allow');
    wire.set('cut');
    const begun = performance.now();
    let made = 0, refused;
    const denied = await world.mcp('b', carol, 'tools/call', { name: 'erase_all', arguments: {} });
    const code = JSON.stringify(denied).match(/W-[0-9A-Z]{4}-[0-9A-Z-]+/)?.[0];
    check('a denial of a node that is cut off has its code', denied.status === 200 && code !== undefined, JSON.stringify(denied).slice(0, 300));
    while (!refused && performance.now() - begun < leaseMs + 3000) {
      const called = await world.call('b', carol, 'away');
      if (called.status === 200 && called.result?.isError !== true) made++;
      else refused = { status: called.status, after: performance.now() - begun };
    }
    check('a node that is cut off goes on with calls, and no longer than its lease', made > 5 && refused?.status === 503 && refused.after <= leaseMs + 500, `${made} calls, then ${JSON.stringify(refused)}`);
    check('the database has none of them yet', count('allow') === before, `${count('allow') - before}`);
    const other = world.nodes.b;
    other.child.kill('SIGKILL');
    await other.gone;
    wire.set('pass');
    await world.start('b', wire.port);
    const arrived = await until(() => count('allow') >= before + made, 10);
    check('killed and started again it delivers what it had answered, each once', arrived !== undefined && count('allow') - before - made <= 1, `${count('allow') - before} of ${made}`);   // the one that the end of the lease overtook was decided, too
    const why = await world.writ('a', 'why', code);
    check('the other node tells what the code stands for', why.code === 0 && why.stdout.includes('carol'), why.stdout + why.stderr);
    for (const name of ['a', 'b']) {
      const verified = await world.writ(name, 'audit', 'verify', '--dir', `data-${name}/spool`);
      check(`the chain of node ${name} is whole`, verified.code === 0, verified.stdout + verified.stderr);
    }
    other.child.kill('SIGTERM');
    await other.gone;
    rmSync(`${world.directory}/data-b/spool`, { recursive: true });
    await world.start('b', wire.port);
    const named = await until(() => +database.sql(`SELECT count(*) FROM records WHERE line LIKE '%"reason":"records_missing"%"first_missing"%'`) === 1, 10);
    check('a lost spool is a named gap', named !== undefined);
    const served = await answered(() => world.call('b', carol, 'after'));
    check('and the node goes on with another', served.result?.content?.[0]?.text === 'note after', JSON.stringify(served).slice(0, 300));
  },

  // R8: the database fails at once, again and again, under load.
  async database_restarts() {
    const [rounds, every] = o.long ? [30, 20_000] : [2, 1500];
    let loading = true, tokens = 0, slowest = 0;
    const worker = async (name) => {
      while (loading) {
        const grant = world.idJag('alice');
        if ((await redeem(name, grant)).status === 200) tokens++;
        // Once more on the other node: what was given must not be given again, whatever became of the first answer.
        await redeem(name === 'a' ? 'b' : 'a', grant);
      }
    };
    const hostile = async () => {
      for (; loading; await sleep(100)) await redeem('a', world.idJag('mallory'));
    };
    const load = [...Array.from({ length: 8 }, (_, i) => worker(i % 2 ? 'a' : 'b')), hostile()];
    await sleep(500);
    for (let round = 0; round < rounds; round++) {
      await database.stop('SIGQUIT');
      await database.start();
      const back = await until(async () => (await world.redeem('a', world.idJag('alice').token)).status === 200 && (await world.redeem('b', world.idJag('alice').token)).status === 200, 15);
      slowest = Math.max(slowest, back ?? Infinity);
      await sleep(every);
    }
    loading = false;
    await Promise.all(load);
    check(`both nodes serve again within 2 s of each of ${rounds} restarts of the database`, slowest <= 2000, `${Math.round(slowest)} ms, ${tokens} tokens`);
    check('tokens were given in between', tokens > 10, tokens);
  },

  // R9: the primary dies, the standby that it waited for takes over.
  async failover() {
    if (!o.long) return;
    await standby.follow(postgresql);
    for (const [name, value] of [['synchronous_standby_names', '*'], ['synchronous_commit', 'remote_apply']]) postgresql.sql(`ALTER SYSTEM SET ${name} = '${value}'`);
    postgresql.sql('SELECT pg_reload_conf()');
    const follows = await until(() => postgresql.sql(`SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'`) === '1', 10);
    check('the primary waits for its standby', follows !== undefined);
    let loading = true, tokens = 0;
    const sent = [];
    const worker = async (name) => {
      while (loading) {
        const grant = world.idJag('alice');
        sent.push(grant);
        if ((await redeem(name, grant)).status === 200) tokens++;
      }
    };
    const load = Array.from({ length: 8 }, (_, i) => worker(i % 2 ? 'a' : 'b'));
    await sleep(2000);
    const before = tokens;
    await postgresql.stop('SIGKILL');
    standby.run('pg_ctl', 'promote', '-D', standby.data, '-w');
    database = standby;
    for (const one of [near, wire]) one.set('cut'), one.set('pass');
    const back = await until(async () => (await world.redeem('a', world.idJag('alice').token)).status === 200 && (await world.redeem('b', world.idJag('alice').token)).status === 200, 20);
    await sleep(1000);
    loading = false;
    await Promise.all(load);
    check('both nodes serve again on the standby', back !== undefined && before > 10 && tokens > before, `after ${Math.round(back)} ms, ${before} tokens before, ${tokens - before} after`);
    // What was given before must not be given again by the new primary: all of it once more.
    const again = sent.slice();
    await Promise.all(Array.from({ length: 16 }, async (_, i) => { for (let grant; (grant = again.pop());) await answered(() => redeem(i % 2 ? 'a' : 'b', grant)); }));
    const twice = sent.filter((grant) => ledger.get(grant.jti).tokens > 1).length;
    check('no grant that was used before is good after it', twice === 0, `${twice} of ${sent.length}`);
  },

  async killed() {
    const name = 'b', other = world.nodes[name];
    other.child.kill('SIGKILL');
    await other.gone;
    other.isReady = false;
    const begun = performance.now();
    check('when a node is killed the other goes on', (await answered(() => world.redeem('a', world.idJag('alice').token))).status === 200);
    const changed = await world.writ('a', 'user', 'disable', 'dave');
    check('and waits for it no longer than for its lease', changed.code === 0 && changed.at - begun < leaseMs + 2500, `${Math.round(changed.at - begun)} ms: ${changed.stderr}`);
    const ready = await world.start(name, wire.port);
    check('it starts again, and knows what it has missed', (await answered(() => redeem(name, world.idJag('dave')))).status === 400, `ready after ${Math.round(ready)} ms`);
    // The one that was killed stays on the board until it is long gone.
    const there = () => +database.sql(`SELECT count(*) FROM nodes WHERE name = 'b'`), before = there();
    other.child.kill('SIGTERM');
    const { code } = await other.gone, after = there();
    const left = await world.writ('a', 'user', 'enable', 'dave');
    check('one that stops says so', code === 0 && left.code === 0 && after === before - 1, `${code}, ${before} then ${after} ${left.stderr}`);
    await world.start(name, wire.port);
    const taken = await world.start('c', wire.port).then(() => 'started', (error) => String(error));
    check('a third joins', taken === 'started', taken);
    world.nodes.c.child.kill('SIGKILL');
    await world.nodes.c.gone;
    delete world.nodes.c;
  },
};

// The records of the database against the ledger: I1 to I3.
function judge(name) {
  const records = new Map();
  for (const line of database.sql(`SELECT convert_from(id_jag_jti, 'UTF8'), effect, count(*) FROM records WHERE event = 'access_token' AND id_jag_jti <> '' GROUP BY 1, 2`).split('\n')) {
    const [jti, effect, count] = line.split('\t');
    records.set(jti, { allow: 0, deny: 0, ...records.get(jti), [effect]: +count });
  }
  const problems = [];
  let tokens = 0, refused = 0, unavailable = 0, unanswered = 0;
  for (const [jti, entry] of ledger) {
    const counts = records.get(jti) ?? { allow: 0, deny: 0 };
    tokens += entry.tokens, refused += entry.refused, unavailable += entry.unavailable, unanswered += entry.unanswered;
    if (entry.tokens > 1 || counts.allow > 1) problems.push(`I1: ${jti} gave ${entry.tokens} tokens, ${counts.allow} by the records`);
    if (entry.tokens > counts.allow) problems.push(`I2: the record of the token for ${jti} is lost`);
    if (entry.refused > counts.deny) problems.push(`I2: ${entry.refused} refusals of ${jti}, ${counts.deny} records`);
    if (entry.user === 'mallory' && entry.tokens > 0) problems.push('I3: who must be denied got a token');
    if (entry.other.length > 0) problems.push(`unexpected: ${entry.other[0]}`);
  }
  const positions = database.sql('SELECT count(*), max(position), (SELECT position FROM log_head) FROM records').split('\t').map(Number);
  if (positions[0] !== positions[1] || positions[1] !== positions[2]) problems.push(`positions have gaps: ${positions}`);
  // Of node a, whose spool was never lost: each record once, from the first on.
  const own = database.sql(`SELECT count(*), min(node_position), max(node_position) FROM records WHERE node = (SELECT number FROM node_logs WHERE convert_from(name, 'UTF8') = 'a')`).split('\t').map(Number);
  if (own[0] === 0 || own[1] !== 1 || own[0] !== own[2]) problems.push(`the trail of node a has gaps: ${own}`);
  check(name, problems.length === 0, problems.slice(0, 5).join('; '));
  console.log(`     ${ledger.size} grants, ${tokens} tokens, ${refused} refusals, ${unavailable} unavailable, ${unanswered} without an answer; ${positions[0]} records`);
}

const begun = Date.now();
try {
  await postgresql.create();
  await near.open();
  await wire.open();
  await world.open(people);
  const ready = await Promise.all([world.start('a', near.port), world.start('b', wire.port)]);
  console.log(`     ready after ${ready.map(Math.round).join(' and ')} ms`);
  for (const [name, part] of Object.entries(parts)) {
    if (o.only && !o.only.split(',').includes(name)) continue;
    const from = Date.now();
    await part();
    console.log(`     ${name}: ${((Date.now() - from) / 1000).toFixed(1)} s`);
  }
  judge('every answer has its record, and no grant gave two tokens');
} catch (error) {
  check('the run comes to its end', false, String(error?.stack ?? error));
} finally {
  if (failed > 0 || o.verbose) for (const node of Object.values(world.nodes)) console.log(`---- node ${node.name}\n${node.log.slice(-3000)}`);
  await world.close();
  near.close(), wire.close();
  await postgresql.destroy();
  await standby.destroy();
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
