// A stdio server behind Streamable HTTP, with a process of its own for each session: for real servers that speak stdio alone.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';

export async function serveOverHttp({ command, args, env = {}, port = 0 }) {
  const sessions = new Map();
  const open = async () => {
    const program = new StdioClientTransport({ command, args, env: { ...process.env, ...env }, stderr: 'ignore' });
    const front = new StreamableHTTPServerTransport({ sessionIdGenerator: randomUUID, onsessioninitialized: (id) => sessions.set(id, front) });
    front.onmessage = (message) => program.send(message);
    program.onmessage = (message) => front.send(message, 'result' in message || 'error' in message ? { relatedRequestId: message.id } : undefined).catch(() => {});
    front.onclose = () => { sessions.delete(front.sessionId); program.close(); };
    program.onclose = () => front.close();
    await program.start();
    await front.start();
    return front;
  };
  const server = createServer(async (req, res) => {
    try {
      const id = req.headers['mcp-session-id'];
      const front = id ? sessions.get(id) : await open();
      if (!front) { res.writeHead(404).end(); return; }
      await front.handleRequest(req, res);
    } catch (e) { if (!res.headersSent) res.writeHead(500); res.end(String(e)); }
  });
  await new Promise((ok) => server.listen(port, '127.0.0.1', ok));
  return { url: `http://127.0.0.1:${server.address().port}/mcp`,
    close: async () => { await Promise.all([...sessions.values()].map((s) => s.close())); server.closeAllConnections(); server.close(); } };
}
