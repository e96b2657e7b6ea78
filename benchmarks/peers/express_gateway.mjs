// An MCP gateway as one would write it with express and jose: tokens verified once and kept, the tool looked up in an allow-list, the message passed on.
import express from 'express';
import { Agent, request as upstreamRequest } from 'node:http';
import * as jose from 'jose';

const settings = JSON.parse(process.env.BENCH_SETTINGS);
const keys = jose.createLocalJWKSet(await (await fetch(settings.ras_jwks)).json());
const agent = new Agent({ keepAlive: true, maxSockets: 256 });
const verified = new Map();
const allowed = new Set(['echo']);

async function principal(header) {
  const token = header?.startsWith('Bearer ') ? header.slice(7) : '';
  const known = verified.get(token);
  if (known && known.exp > Date.now() / 1000) return known;
  const { payload } = await jose.jwtVerify(token, keys, { issuer: settings.ras, audience: settings.resource, typ: 'at+jwt', algorithms: ['ES256'] });
  if (verified.size > 10_000) verified.clear();
  verified.set(token, payload);
  return payload;
}

const app = express();
app.use(express.json({ limit: '4mb' }));
app.post('/mcp/bench', async (request, response) => {
  try { await principal(request.headers.authorization); } catch { return response.status(401).end(); }
  const message = request.body;
  if (message.method === 'tools/call' && !allowed.has(message.params?.name)) {
    return response.json({ jsonrpc: '2.0', id: message.id, result: { isError: true, content: [{ type: 'text', text: 'denied' }] } });
  }
  const body = JSON.stringify(message);
  const onward = upstreamRequest({ agent, host: '127.0.0.1', port: settings.upstream_port, path: '/mcp', method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: request.headers.accept, 'Content-Length': Buffer.byteLength(body) } }, (answer) => {
    response.status(answer.statusCode).set('Content-Type', answer.headers['content-type']);
    answer.pipe(response);
  });
  onward.on('error', () => response.status(502).end());
  onward.end(body);
});
app.listen(+process.env.PORT, '127.0.0.1');
