#!/usr/bin/env node
// Writ in front of a company's own OpenID provider (a certified one, upstream-oidc-provider.mjs): alice of engineering is let in and bob of marketing is
// not, by the provider's groups; by federated sign-in, by direct subject tokens, and in a real browser where there is one. Everything listens on loopback;
// what was started is stopped by its process id.
//   node federation.mjs --writ DIR_WITH_BINARIES [--screenshots DIR] [--verbose]
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Chromium, chromiumPath } from './lib/chromium.mjs';
import { nodeBin } from './lib/conformance.mjs';
import { base, upstream, applicationRedirect, upstreamSecret, desk, writeDeployment } from './lib/federated-deployment.mjs';
import { login } from './oidc-login.mjs';

const { values: o } = parseArgs({ options: { writ: { type: 'string' }, screenshots: { type: 'string' }, verbose: { type: 'boolean', default: false } } });
if (!o.writ) { console.error('usage: node federation.mjs --writ DIR'); process.exit(2); }
const directory = mkdtempSync(join(tmpdir(), 'writ-federation-'));
const started = [];
let passed = 0, failed = 0;
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const must = (ok, message) => { if (!ok) throw new Error(message); };
const claims = (jwt) => JSON.parse(Buffer.from(jwt.split('.')[1], 'base64url'));

function start(name, command, args, env = {}) {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (d) => { log += d; if (o.verbose) process.stderr.write(d); });
  child.exited = new Promise((resolve) => child.on('exit', resolve));
  started.push({ name, child, log: () => log });
}
async function stop({ child }) {
  child.kill('SIGTERM');
  if (await Promise.race([child.exited.then(() => true), sleep(5000)]) !== true) child.kill('SIGKILL');
}
async function until(what, check, seconds = 20) {
  for (let i = 0; i < seconds * 10; i++) { if (await check().catch(() => false)) return; await sleep(100); }
  throw new Error(`${what} did not come up within ${seconds} s`);
}
const answers = (url) => () => fetch(url).then((r) => (r.body?.cancel(), r.status < 500));
async function check(name, run) {
  try { const v = await run(); passed++; console.log(`ok   ${name}`); return v; }
  catch (e) { failed++; console.log(`FAIL ${name}: ${String(e?.message ?? e).slice(0, 700)}`); return undefined; }
}

async function post(url, parameters) {
  const r = await fetch(url, { method: 'POST', body: new URLSearchParams(parameters) });
  const text = await r.text();
  return { status: r.status, ...(text ? JSON.parse(text) : {}) };
}
const exchange = (token) => post(`${base}/idp/token`, { grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange', requested_token_type: 'urn:ietf:params:oauth:token-type:id-jag',
  audience: `${base}/ras`, resource: `${base}/mcp/everything`, subject_token: token, subject_token_type: 'urn:ietf:params:oauth:token-type:id_token', ...desk.idp });
const redeem = (assertion) => post(`${base}/ras/token`, { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion, ...desk.ras });
const initialize = (token) => fetch(`${base}/mcp/everything`, { method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
  body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'federation', version: '1' } } }) });

// From an ID token to an answer of the server behind the gateway.
async function reaches(token) {
  const jag = await exchange(token);
  must(jag.status === 200, `no ID-JAG: ${JSON.stringify(jag)}`);
  const access = await redeem(jag.access_token);
  must(access.status === 200, `no access token: ${JSON.stringify(access)}`);
  const answer = await initialize(access.access_token);
  must(answer.status === 200 && /protocolVersion/.test(await answer.text()), `the gateway answers ${answer.status}`);
  return access.access_token;
}
async function isDenied(token) {
  const refused = await exchange(token);
  must(refused.status === 400 && refused.error === 'access_denied' && /^W-/.test(refused.denial_code ?? ''), JSON.stringify(refused));
}

// The application's side of a sign-in: the address to go to, and the tokens for the code that comes back.
function signInRequest(more = {}) {
  const verifier = randomBytes(32).toString('base64url'), state = randomBytes(8).toString('hex'), nonce = randomBytes(8).toString('hex');
  const url = `${base}/idp/authorize?${new URLSearchParams({ response_type: 'code', client_id: desk.idp.client_id, redirect_uri: applicationRedirect, scope: 'openid profile email groups', state, nonce,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'), code_challenge_method: 'S256', ...more })}`;
  const redeemCode = async (query) => {
    must(query.get('state') === state && query.get('iss') === `${base}/idp`, `state or iss is not as asked: ${query}`);
    const t = await post(`${base}/idp/token`, { grant_type: 'authorization_code', code: query.get('code'), redirect_uri: applicationRedirect, code_verifier: verifier, ...desk.idp });
    must(t.status === 200 && claims(t.id_token).nonce === nonce, `no tokens: ${JSON.stringify(t)}`);
    return t;
  };
  return { url, redeemCode };
}

// A browser of plain requests that remembers its cookies, so that it can also come back later.
class PlainBrowser {
  jar = new Map();
  async load(url, form) {
    const at = new URL(url), jar = this.jar, host = (name) => `${at.port} ${name}`;
    const cookie = [...jar].filter(([k]) => k.startsWith(`${at.port} `)).map(([k, v]) => `${k.split(' ')[1]}=${v}`).join('; ');
    const r = await fetch(at, { method: form ? 'POST' : 'GET', body: form, redirect: 'manual', headers: { ...(cookie ? { cookie } : {}), ...(form ? { origin: at.origin } : {}) } });
    for (const c of r.headers.getSetCookie()) { const [k, ...v] = c.split(';')[0].split('='); v.join('=') === '' || /expires=Thu, 01 Jan 1970|max-age=0/i.test(c) ? jar.delete(host(k)) : jar.set(host(k), v.join('=')); }
    return { status: r.status, location: r.headers.get('location') && new URL(r.headers.get('location'), at).href, html: await r.text(), at: at.href };
  }
  // Follows redirects and answers the provider's forms as `user` until the address begins with `end`, or a page of ours comes.
  async go(url, user, end = applicationRedirect) {
    let page = await this.load(url);
    for (let i = 0; i < 30; i++) {
      if (page.location?.startsWith(end)) return new URL(page.location).searchParams;
      if (page.location) { page = await this.load(page.location); continue; }
      const form = page.html.match(/<form\b[^>]*action="([^"]+)"[^>]*method="post"[\s\S]*?<\/form>/i);
      if (!page.at.startsWith(upstream) || !form) return page;
      const prompt = form[0].match(/name="prompt" value="(\w+)"/)?.[1] ?? '';
      page = await this.load(new URL(form[1].replaceAll('&#x2F;', '/'), page.at), new URLSearchParams(prompt === 'login' ? { prompt, login: user, password: 'x' } : { prompt }));
    }
    throw new Error(`no end: at ${page.at}`);
  }
}
const federated = async (user, browser = new PlainBrowser(), more = { login_hint: `${user}@example.com` }) => {
  const { url, redeemCode } = signInRequest(more);
  const back = await browser.go(url, user);
  must(back instanceof URLSearchParams, `no way back: ${back.status} at ${back.at}: ${back.html?.replace(/<style>[\s\S]*<\/style>/, '').slice(0, 400)}`);
  return redeemCode(back);
};
const direct = async (user) => (await login({ issuer: upstream, clientId: 'public-client', redirectUri: applicationRedirect, user, password: 'x' })).id_token;

try {
  const config = writeDeployment(directory);
  start('provider', nodeBin(), ['upstream-oidc-provider.mjs'], { PORT: '18591', CLIENT_SECRET: upstreamSecret, REDIRECT_URI: `${base}/idp/federation/corp/callback ${applicationRedirect}`,
    SIGNED_OUT_URI: `${base}/idp/federation/corp/signed-out`, BACKCHANNEL_LOGOUT_URI: `${base}/idp/federation/corp/backchannel-logout` });
  start('everything', nodeBin(), ['--import', './lib/loopback-only.mjs', 'node_modules/@modelcontextprotocol/server-everything/dist/index.js', 'streamableHttp'], { PORT: '18531' });
  start('writ', join(o.writ, 'writ'), ['serve', '-c', config, '--data', join(directory, 'data')]);
  await until('the provider', answers(`${upstream}/.well-known/openid-configuration`));
  await until('writ', answers(`${base}/ras/.well-known/oauth-authorization-server`));
  await until('the server', answers('http://127.0.0.1:18531/mcp'));

  // ---- signing in here with the provider
  let alice;
  await check('federated sign-in: alice of engineering reaches the server', async () => {
    alice = await federated('alice');
    const c = claims(alice.id_token);
    must(c.groups?.includes('eng') && c.email === 'alice@example.com', JSON.stringify(c));
    await reaches(alice.id_token);
  });
  await check('federated sign-in: bob of marketing signs in and is denied by policy, with a code', async () => {
    const t = await federated('bob');
    must(claims(t.id_token).groups?.includes('sales'), JSON.stringify(claims(t.id_token)));
    await isDenied(t.id_token);
  });
  await check('the same person signs in twice and stays one person', async () => {
    const again = await federated('alice');
    must(claims(again.id_token).sub === claims(alice.id_token).sub, 'another sub');
  });
  await check('an answer in another browser than the one that began is refused', async () => {
    const first = new PlainBrowser(), thief = new PlainBrowser();
    const answer = await first.go(signInRequest({ login_hint: 'alice@example.com' }).url, 'alice', `${base}/idp/federation/corp/callback`);
    const page = await thief.load(`${base}/idp/federation/corp/callback?${answer}`);
    must(page.status === 400 && !page.location && /not begun in this browser/.test(page.html), `${page.status} ${page.html.slice(-400)}`);
  });
  await check('prompt=login and max_age reach the provider, and its auth_time comes back', async () => {
    const browser = new PlainBrowser();
    await federated('alice', browser);
    const before = Math.floor(Date.now() / 1000);
    await sleep(1100);
    const t = await federated('alice', browser, { login_hint: 'alice@example.com', prompt: 'login', max_age: '30' });
    must(claims(t.id_token).auth_time > before, `auth_time ${claims(t.id_token).auth_time}, before ${before}`);
  });

  // ---- the provider's own ID tokens
  await check('direct subject token: alice reaches the server', async () => reaches(await direct('alice')));
  await check('direct subject token: bob is denied by policy, with a code', async () => isDenied(await direct('bob')));
  await check('direct subject token: a token for another client of the provider is refused', async () => {
    const foreign = (await login({ issuer: upstream, clientId: 'enterprise-idp', clientSecret: upstreamSecret, redirectUri: applicationRedirect, user: 'alice', password: 'x' })).id_token;
    const refused = await exchange(foreign);
    must(refused.status === 400 && refused.error === 'invalid_grant', JSON.stringify(refused));
  });
  await check('direct subject token: a changed token is refused', async () => {
    const [head, body, signature] = (await direct('bob')).split('.');
    const c = { ...JSON.parse(Buffer.from(body, 'base64url')), groups: ['engineering'] };
    const refused = await exchange([head, Buffer.from(JSON.stringify(c)).toString('base64url'), signature].join('.'));
    must(refused.status === 400 && refused.error === 'invalid_grant', JSON.stringify(refused));
  });

  // ---- signing out
  await check('signing out at the provider ends the session here within a second', async () => {
    const browser = new PlainBrowser(), t = await federated('alice', browser);
    const token = await reaches(t.id_token);
    const page = await browser.load(`${upstream}/session/end?client_id=enterprise-idp`);
    const action = page.html.match(/action="([^"]+)"/)[1].replaceAll('&#x2F;', '/'), xsrf = page.html.match(/name="xsrf" value="([^"]+)"/)[1];
    await browser.load(new URL(action, page.at), new URLSearchParams({ xsrf, logout: 'yes' }));
    const begun = Date.now();
    await until('the end of the session', async () => (await exchange(t.id_token)).error === 'invalid_grant', 1);
    await until('the end of the access token', async () => (await initialize(token)).status === 401, 1);
    must(Date.now() - begun <= 1000, `${Date.now() - begun} ms`);
  });
  await check('signing out here leads to the provider and ends its session too', async () => {
    const browser = new PlainBrowser(), t = await federated('alice', browser);
    const out = await browser.load(`${base}/idp/logout?${new URLSearchParams({ id_token_hint: t.id_token, post_logout_redirect_uri: applicationRedirect, state: 'bye' })}`);
    must(out.location?.startsWith(`${upstream}/session/end?`), `${out.status} ${out.location}`);
    const page = await browser.load(out.location);
    const action = page.html.match(/action="([^"]+)"/)[1].replaceAll('&#x2F;', '/'), xsrf = page.html.match(/name="xsrf" value="([^"]+)"/)[1];
    let next = await browser.load(new URL(action, page.at), new URLSearchParams({ xsrf, logout: 'yes' }));
    for (let i = 0; i < 5 && next.location && !next.location.startsWith(applicationRedirect); i++) next = await browser.load(next.location);
    must(next.location === `${applicationRedirect}?state=bye`, `ends at ${next.location}`);
  });

  // ---- the same in a real browser
  if (!chromiumPath()) {
    console.log('skip a real browser: there is no Chromium on this machine (apt-get install chromium)');
  } else {
    const application = createServer((_, response) => response.end('<title>application</title>you are back')).listen(18599, '127.0.0.1');
    const browser = await Chromium.start();
    const shot = async (name) => { if (o.screenshots) await browser.screenshot(join(o.screenshots, `${name}.png`)); };
    const atProvider = async (user) => {
      await browser.until(`location.href.startsWith('${upstream}/interaction/') && document.querySelector('input[name=login]')`, 'the provider');
      await browser.run("document.querySelector('input[name=login]').value = ''");
      await browser.type('input[name=login]', user);
      await browser.type('input[name=password]', 'x');
      await shot(`provider-${user}`);
      await browser.click('button[type=submit]');
      await browser.until(`document.querySelector('input[name=prompt][value=consent]') || location.href.startsWith('${applicationRedirect}')`, 'the consent page');
      if (!(await browser.address()).startsWith(applicationRedirect)) await browser.click('button[type=submit]');
      await browser.until(`location.href.startsWith('${applicationRedirect}')`, 'the application');
      return new URL(await browser.address()).searchParams;
    };
    try {
      await check('Chromium: alice follows the link of her provider and reaches the server', async () => {
        const { url, redeemCode } = signInRequest();
        await browser.open(url);
        await browser.until("document.querySelectorAll('a.provider').length === 2 && document.querySelector('input[name=password]')", 'the sign-in page');
        await shot('sign-in');
        await browser.click('a.provider');
        await reaches((await redeemCode(await atProvider('alice'))).id_token);
      });
      await check('Chromium: bob types his address, lands at the same provider, and is denied by policy', async () => {
        await browser.forgetCookies();
        const { url, redeemCode } = signInRequest();
        await browser.open(url);
        await browser.until("document.querySelector('input[name=email]')", 'the sign-in page');
        await browser.type('input[name=email]', 'bob@example.com');
        await browser.click('form[method=get] button');
        await isDenied((await redeemCode(await atProvider('bob'))).id_token);
      });
      await check('Chromium: an address that is nobody’s is told so', async () => {
        await browser.forgetCookies();
        await browser.open(signInRequest().url);
        await browser.until("document.querySelector('input[name=email]')", 'the sign-in page');
        await browser.type('input[name=email]', 'carol@nowhere.example');
        await browser.click('form[method=get] button');
        await browser.until("document.querySelector('[role=alert]')", 'the message');
        await shot('unknown-address');
      });
      await check('Chromium blocked nothing by the pages’ own policy', async () => must(!browser.complaints.some((c) => /content security policy|refused to/i.test(c)), browser.complaints.join(' | ')));
    } finally {
      await browser.stop();
      application.close();
    }
  }
} catch (e) {
  failed++;
  console.log(`FAIL ${e.stack ?? e}`);
} finally {
  if (failed) for (const s of started) console.log(`--- ${s.name}\n${s.log().split('\n').slice(-15).join('\n')}`);
  await Promise.all(started.map(stop));
  rmSync(directory, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed || !passed ? 1 : 0);
