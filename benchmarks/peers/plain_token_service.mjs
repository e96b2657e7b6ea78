// The two grants on node:http alone: what is left when the framework is taken away.
import { createServer } from 'node:http';
import { authenticate, run, Refused } from './grants.mjs';

createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', async () => {
    let status = 200, body;
    try {
      const client = authenticate(request.headers.authorization);
      body = await run(Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString())), client);
    } catch (e) {
      status = e instanceof Refused ? e.status : 500;
      body = { error: e.error ?? 'server_error' };
    }
    const text = JSON.stringify(body);
    response.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store', 'Content-Length': Buffer.byteLength(text) }).end(text);
  });
}).listen(+process.env.PORT, '127.0.0.1');
