// What clients carry from one node to another (rules §7.3): sessions of the legacy era, and calls that wait for an answer of their person. No balancer keeps a client at its node.
import { randomUUID } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';

import { sleep } from './postgresql.mjs';

// An MCP server of the legacy era with sessions: it knows no others, and says whose an answer is.
export class Talks {
  sessions = new Map();   // id → its open stream, if any
  waiting = new Map();    // id of a question → who waits for its answer
  serve(request, response) {
    const id = request.headers['mcp-session-id'];
    if (request.method === 'DELETE') return response.writeHead(this.sessions.delete(id) ? 200 : 404).end();
    if (request.method === 'GET') {
      if (!this.sessions.has(id)) return response.writeHead(404).end();
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': open\n\n');
      this.sessions.set(id, response);
      return;
    }
    let body = '';
    request.on('data', (d) => { body += d; });
    request.on('end', () => {
      const message = JSON.parse(body);
      const answer = (result, headers = {}) => response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result }));
      if (message.method === 'initialize') {
        const session = `talk-${randomUUID()}`;
        this.sessions.set(session, undefined);
        return answer({ protocolVersion: '2025-11-25', capabilities: { tools: {}, logging: {} }, serverInfo: { name: 'talks', version: '1' } }, { 'mcp-session-id': session });
      }
      if (!this.sessions.has(id)) return response.writeHead(404).end();
      if (message.method === undefined) {
        this.waiting.get(message.id)?.(message.result);
        return response.writeHead(202).end();
      }
      if (message.id === undefined) return response.writeHead(202).end();
      const tool = (name) => ({ name, description: name, annotations: { readOnlyHint: true }, inputSchema: { type: 'object', properties: { note: { type: 'string' } } } });
      if (message.method === 'tools/list') return answer({ tools: [tool('get_note'), tool('ask_note')] });
      if (message.params?.name !== 'ask_note') return answer({ content: [{ type: 'text', text: `note ${message.params?.arguments?.note} in ${id}` }] });
      const question = `q-${randomUUID()}`;
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const event = (data) => response.write(`data: ${JSON.stringify({ jsonrpc: '2.0', ...data })}\n\n`);
      event({ id: question, method: 'elicitation/create', params: { message: 'Which?', requestedSchema: { type: 'object', properties: { which: { type: 'string' } } } } });
      this.waiting.set(question, (result) => {
        event({ id: message.id, result: { content: [{ type: 'text', text: `asked, and heard ${result?.content?.which}` }] } });
        response.end();
      });
    });
  }
}

const jsonOf = (text) => { try { return JSON.parse(text); } catch { return {}; } };
const lastEvent = (text) => jsonOf(text.split('\n').filter((line) => line.startsWith('data: ')).at(-1)?.slice(6) ?? '');

export async function sessions({ world, check, answered, wire, long, leaseMs }) {
  const { token, headers } = await (async () => {
    const redeemed = await answered(() => world.redeem('a', world.idJag('alice', world.talksResource).token));
    return { token: redeemed.access_token, headers: { authorization: `Bearer ${redeemed.access_token}`, 'content-type': 'application/json', accept: 'application/json, text/event-stream' } };
  })();
  const legacy = async (name, session, message, method = 'POST') => {
    const answer = await world.ask(name, method, '/mcp/talks', { headers: { ...headers, 'mcp-protocol-version': '2025-11-25', ...(session ? { 'mcp-session-id': session } : {}) }, body: message && JSON.stringify({ jsonrpc: '2.0', ...message }) });
    return { status: answer.status, session: answer.headers?.['mcp-session-id'], ...(answer.headers?.['content-type']?.startsWith('text/event-stream') ? lastEvent(answer.text) : jsonOf(answer.text)) };
  };
  const begin = (name) => legacy(name, undefined, { id: 0, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '1' } } });
  const call = (name, session, note) => legacy(name, session, { id: 2, method: 'tools/call', params: { name: 'get_note', arguments: { note } } });
  // A stream; `ended` settles with how it ended and when, `first` with the first event.
  const stream = (name, session) => new Promise((resolve, reject) => {
    const request = http.get({ host: '127.0.0.1', port: world.nodes[name].port, path: '/mcp/talks', agent: false, headers: { host: world.host, ...headers, accept: 'text/event-stream', 'mcp-protocol-version': '2025-11-25', 'mcp-session-id': session } }, (response) => {
      if (response.statusCode !== 200) { response.resume(); return resolve({ status: response.statusCode }); }
      const opened = { status: 200, text: '', close: () => request.destroy() };
      response.setEncoding('utf8');
      response.on('data', (d) => { opened.text += d; });
      response.on('error', () => {});
      opened.ended = new Promise((end) => response.on('close', () => end(performance.now())));
      resolve(opened);
    });
    request.on('error', reject);
  });

  // ---- a session of the legacy era
  const begun = await begin('a');
  check('a session begins at one node', begun.status === 200 && begun.session, JSON.stringify(begun));
  const session = begun.session;
  await legacy('b', session, { method: 'notifications/initialized' });
  await legacy('b', session, { id: 1, method: 'tools/list' });
  const there = await answered(() => call('b', session, 'x')), here = await call('a', session, 'x');
  check('the other one answers in it', there.status === 200 && /^note x in talk-/.test(there.result?.content?.[0]?.text), JSON.stringify(there));
  check('and it is the same one', here.result?.content?.[0]?.text === there.result?.content?.[0]?.text, JSON.stringify(here));
  let wrong = 0;
  for (let i = 0; i < (long ? 2000 : 60); i++) {
    const one = await call(i % 2 ? 'a' : 'b', session, `${i}`);
    if (one.result?.content?.[0]?.text?.startsWith(`note ${i} in talk-`) !== true) wrong++;
  }
  check('each call at another node than the one before', wrong === 0, wrong);
  if (long) {
    const medians = [];
    for (const name of ['a', 'b']) {
      const times = [];
      for (let i = 0; i < 500; i++) {
        const from = performance.now();
        await call(name, session, 'x');
        times.push(performance.now() - from);
      }
      medians.push(times.sort((x, y) => x - y)[250].toFixed(2));
    }
    console.log(`     a call at the node of its session ${medians[0]} ms, at the other one ${medians[1]} ms (medians, one after the other)`);
  }
  const far = await stream('b', session);
  check('a stream of it opens at the other node', far.status === 200, far.status);
  const upstreamSession = there.result.content[0].text.split(' in ')[1];
  for (const end = Date.now() + 3000; Date.now() < end && !world.talks.sessions.get(upstreamSession);) await sleep(20);
  world.talks.sessions.get(upstreamSession).write(`data: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'news' } })}\n\n`);
  for (const end = Date.now() + 3000; Date.now() < end && !far.text.includes('news');) await sleep(20);
  check('what the server says comes through it', far.text.includes('"news"'), far.text);

  const bob = await answered(() => world.redeem('a', world.idJag('judy', world.talksResource).token));
  const others = await world.ask('b', 'POST', '/mcp/talks', { headers: { ...headers, authorization: `Bearer ${bob.access_token}`, 'mcp-protocol-version': '2025-11-25', 'mcp-session-id': session }, body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }) });
  check('to anybody else it is unknown, at every node', bob.status === 200 && others.status === 404, `${bob.status} ${others.status}`);
  const unknown = await legacy('b', `${session.slice(0, -4)}AAAA`, { id: 1, method: 'ping' });
  check('and so is one that was altered', unknown.status === 404, unknown.status);

  // ---- who speaks to the listener between nodes
  const ask = (files) => new Promise((resolve) => {
    const { port } = new URL(world.nodes.a.url);
    const request = https.request({ host: '127.0.0.1', port, path: '/mcp/talks', method: 'POST', agent: false, ca: files.ca, cert: files.cert, key: files.key,
      headers: { ...headers, 'mcp-session-id': session, 'writ-peer-address': '203.0.113.9', 'writ-peer-scheme': 'https' } }, (response) => { response.resume(); resolve(response.statusCode); });
    request.on('error', (error) => resolve(error.code));
    request.end(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }));
  });
  const { own, stranger, foreign } = world.nodeCertificates();
  check('without a certificate nobody is answered between nodes', await ask({ ca: own.ca }) === 403);
  check('nor with one that names no node', await ask(stranger) === 403);
  check('nor with one of another authority', await ask(foreign) === 403);
  check('a node is', await ask(own) === 200);

  // ---- a call that waits for its person, of a client without sessions
  const modern = async (name, tool, more = {}) => {
    const answer = await world.ask(name, 'POST', '/mcp/talks', { headers: { ...headers, 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': tool },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: tool, arguments: {}, _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} } } }, ...more } }) });
    return { status: answer.status, ...(answer.headers?.['content-type']?.startsWith('text/event-stream') ? lastEvent(answer.text) : jsonOf(answer.text)) };
  };
  const asked = await modern('a', 'ask_note');
  check('a call of a client without sessions waits for its person', asked.result?.requestState && asked.result?.inputRequests, JSON.stringify(asked));
  const again = { requestState: asked.result?.requestState, inputResponses: Object.fromEntries(Object.keys(asked.result?.inputRequests ?? {}).map((name) => [name, { action: 'accept', content: { which: 'that one' } }])) };
  const heard = await modern('b', 'ask_note', again);
  check('the answer may come to the other node', heard.result?.content?.[0]?.text === 'asked, and heard that one', JSON.stringify(heard));

  // ---- a node that is gone
  const frozen = await begin('b');
  const through = await stream('a', frozen.session);
  check('a stream of the other node, the other way round', through.status === 200, through.status);
  world.nodes.b.child.kill('SIGSTOP');   // its machine hangs: nothing is refused, nothing is answered
  const from = performance.now();
  const ended = (await Promise.race([through.ended, sleep(leaseMs + 5000).then(() => Infinity)])) - from;
  check('a node that hangs is waited for no longer than for its lease', ended <= leaseMs + 1500, `${Math.round(ended)} ms`);
  const lost = await legacy('a', frozen.session, { id: 1, method: 'ping' });
  check('its sessions are unknown then, so that clients begin anew', lost.status === 404, JSON.stringify(lost));
  world.nodes.b.child.kill('SIGCONT');
  for (const end = Date.now() + 10_000; Date.now() < end && (await world.ask('b', 'GET', '/readyz')).status !== 200;) await sleep(50);
  const back = await answered(() => legacy('a', frozen.session, { id: 1, method: 'ping' }));
  check('when it is back, so are they', back.status === 200, JSON.stringify(back));
  world.nodes.b.child.kill('SIGKILL');
  await world.nodes.b.gone;
  const killed = await legacy('a', frozen.session, { id: 1, method: 'ping' });
  check('of a node that was killed they are unknown at once', killed.status === 404, JSON.stringify(killed));
  await world.start('b', wire.port);
  const restarted = await answered(() => legacy('a', frozen.session, { id: 1, method: 'ping' }));
  check('and stay so when it starts again', restarted.status === 404, JSON.stringify(restarted));

  const over = await legacy('b', session, undefined, 'DELETE');
  check('a session is ended at any node', over.status === 200 && !world.talks.sessions.has(upstreamSession), JSON.stringify(over));
  check('and is unknown to all', (await call('a', session, 'x')).status === 404 && (await call('b', session, 'x')).status === 404);
  far.close();
  return token;
}
