#!/usr/bin/env node
// A legacy client (SDK 1.x, 2025-11-25) before the 2026-07-28 target: what era-bridge-check.mjs leaves out. Sampling, roots, several rounds of questions, log
// messages, mirrored arguments, list changes on the GET stream, subscriptions, resumption, and the clear errors.
//   MCP_URL=http://127.0.0.1:8080/mcp ACCESS_TOKEN=... node legacy-client-check.mjs
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import * as T from '@modelcontextprotocol/sdk/types.js';
import { env, need, step, finish, must } from './lib/env.mjs';

const url = new URL(need('MCP_URL').MCP_URL);
const authorization = `Bearer ${env.ACCESS_TOKEN ?? ''}`;
const nap = (ms) => new Promise((r) => setTimeout(r, ms));
const textOf = (r) => r.content?.find((c) => c.type === 'text')?.text ?? '';
const until = async (what, check) => { for (let i = 0; i < 50; i++) { if (check()) return; await nap(100); } throw new Error(`${what}: nothing for 5 s`); };

const client = new Client({ name: 'legacy-client-check', version: '1.0.0' }, { capabilities: { elicitation: {}, sampling: {}, roots: { listChanged: true } } });
const transport = new StreamableHTTPClientTransport(url, { requestInit: { headers: { authorization } } });
const asked = [], heard = [], logged = [];
client.setRequestHandler(T.ElicitRequestSchema, ({ params }) => {
  asked.push(params.message);
  return { action: 'accept', content: { name: 'alice', color: 'green' } };
});
client.setRequestHandler(T.CreateMessageRequestSchema, () => ({ model: 'm', role: 'assistant', content: { type: 'text', text: 'Paris' } }));
client.setRequestHandler(T.ListRootsRequestSchema, () => ({ roots: [{ uri: 'file:///tmp/project', name: 'work' }] }));
client.setNotificationHandler(T.ToolListChangedNotificationSchema, () => { heard.push('tools'); });
client.setNotificationHandler(T.LoggingMessageNotificationSchema, ({ params }) => { logged.push(params.data); });
const call = (name, args = {}) => client.callTool({ name, arguments: args });

await client.connect(transport);
await step('sampling', async () => { const r = await call('test_sampling', { prompt: 'Where?' }); must(/LLM response: Paris/.test(textOf(r)), textOf(r)); });
await step('roots', async () => { const r = await call('test_input_required_result_list_roots'); must(/file:\/\/\/tmp\/project/.test(textOf(r)), textOf(r)); });
await step('several questions at once', async () => { const r = await call('test_input_required_result_multiple_inputs'); must(/Paris alice, 1 root/.test(textOf(r)), textOf(r)); });
await step('several rounds, with the state of each', async () => {
  const before = asked.length, r = await call('test_input_required_result_multi_round');
  must(asked.length === before + 2 && /alice likes green/.test(textOf(r)), `${asked.slice(before)}: ${textOf(r)}`);
});
await step('log messages once a level is set', async () => {
  await call('test_logging_tool');
  must(logged.length === 0, `${logged}`);
  await client.setLoggingLevel('info');
  await call('test_logging_tool');
  must(logged.length === 3, `${logged.length} messages`);
});
await step('mirrored arguments, without a list before', async () => { const r = await call('test_x_mcp_header', { region: 'eu-w\u00e9st', shard: 3 }); must(/eu-w\u00e9st/.test(textOf(r)), textOf(r)); });
await step('a list change on the GET stream', async () => { await call('test_trigger_tool_change'); await until('notifications/tools/list_changed', () => heard.length > 0); });
await step('subscribing keeps the stream', async () => {
  await client.subscribeResource({ uri: 'test://watched-resource' });
  await nap(300);
  const before = heard.length;
  await call('test_trigger_tool_change');
  await until('after subscribing', () => heard.length > before);
  await client.unsubscribeResource({ uri: 'test://watched-resource' });
});
await step('completion and lists', async () => {
  const c = await client.complete({ ref: { type: 'ref/prompt', name: 'test_prompt_with_arguments' }, argument: { name: 'arg1', value: 'par' } });
  must(c.completion.values.includes('paris'), JSON.stringify(c));
  const [r, t, p] = [await client.listResources(), await client.listResourceTemplates(), await client.listPrompts()];
  must(r.resources.length === 3 && t.resourceTemplates.length === 1 && p.prompts.length >= 4 && !('ttlMs' in r), JSON.stringify(r));
});
const raw = (method, body, more = {}) => fetch(url, { method, headers: { authorization, accept: 'application/json, text/event-stream', 'mcp-protocol-version': '2025-11-25',
  'mcp-session-id': transport.sessionId, ...(body ? { 'content-type': 'application/json' } : {}), ...more }, body: body && JSON.stringify(body) });
await step('tasks of 2025-11-25 are refused with a reason', async () => {
  const r = await (await raw('POST', { jsonrpc: '2.0', id: 'x1', method: 'tools/call', params: { name: 'slow_compute', arguments: { seconds: 0 }, task: { ttl: 1000 } } })).json();
  must(r.error?.code === -32601 && /no tasks/.test(r.error.message), JSON.stringify(r));
});
await step('a call whose connection is lost is resumed', async () => {
  const gone = new AbortController();
  const first = await fetch(url, { method: 'POST', signal: gone.signal, headers: { authorization, accept: 'application/json, text/event-stream', 'content-type': 'application/json',
    'mcp-protocol-version': '2025-11-25', 'mcp-session-id': transport.sessionId },
    body: JSON.stringify({ jsonrpc: '2.0', id: 'x2', method: 'tools/call', params: { name: 'test_tool_with_progress', arguments: {}, _meta: { progressToken: 'p' } } }) });
  const reader = first.body.getReader();
  let text = '';
  while (!/"progress":0/.test(text)) { const { value, done } = await reader.read(); must(!done, `ended: ${text}`); text += new TextDecoder().decode(value); }
  gone.abort();
  const last = [...text.matchAll(/^id: (\S+)/gm)].pop()[1];
  await nap(400);
  const resumed = await raw('GET', null, { accept: 'text/event-stream', 'last-event-id': last });
  const rest = await resumed.text();
  must(/"progress":100/.test(rest) && /"id":"x2","result"/.test(rest) && !/"progress":0,/.test(rest), `${resumed.status} ${rest}`);
});
await step('an unknown place cannot be resumed', async () => { const r = await raw('GET', null, { accept: 'text/event-stream', 'last-event-id': '999.1' }); must(r.status === 400, `${r.status}`); await r.body?.cancel(); });
await step('the session ends with DELETE', async () => {
  must((await raw('DELETE')).status === 200, 'DELETE');
  must((await raw('POST', { jsonrpc: '2.0', id: 9, method: 'ping' })).status === 404, 'afterwards');
});
await client.close().catch(() => {});
finish();
