// Both grants as the peers make them: client authentication, verification, a table of who may what, a signature. Spent `jti`s are in memory;
// nothing is recorded or durable, and there is no policy language.
import { createHash, timingSafeEqual, randomUUID } from 'node:crypto';
import * as jose from 'jose';

const env = process.env;
const settings = JSON.parse(env.BENCH_SETTINGS);
const digest = (text) => createHash('sha256').update(text).digest();
const secrets = new Map(settings.clients.map((c) => [c.client_id, digest(c.secret)]));
const keySet = async (url) => jose.createLocalJWKSet(await (await fetch(url)).json());
const idTokenKeys = await keySet(settings.idp_jwks), idJagKeys = await keySet(settings.issuer_jwks);
const { privateKey } = await jose.generateKeyPair('ES256');
// 1,000 rows: group → agent → server → scopes
const table = new Map();
for (let i = 0; i < 1000; i++) table.set(`group${i}|desk|server${i}`, ['mcp']);
table.set('engineering|desk|bench', ['mcp']);
const spent = new Map();
const now = () => Math.floor(Date.now() / 1000);

export class Refused extends Error {
  constructor(status, error) { super(error); this.status = status; this.error = error; }
}

export function authenticate(header) {
  if (!header?.startsWith('Basic ')) throw new Refused(401, 'invalid_client');
  const [id, secret] = Buffer.from(header.slice(6), 'base64').toString().split(':').map(decodeURIComponent);
  const known = secrets.get(id);
  if (!known || !timingSafeEqual(known, digest(secret))) throw new Refused(401, 'invalid_client');
  return id;
}

export async function exchange(form, client) {
  const { payload } = await jose.jwtVerify(form.subject_token, idTokenKeys, { issuer: settings.idp, audience: client, algorithms: ['ES256'] })
    .catch(() => { throw new Refused(400, 'invalid_grant'); });
  const scopes = table.get('engineering|desk|bench');
  if (form.audience !== settings.ras || form.resource !== settings.resource || !scopes) throw new Refused(400, 'invalid_target');
  const token = await new jose.SignJWT({ resource: form.resource, client_id: 'desk-at-ras', scope: scopes.join(' '), auth_time: payload.auth_time, acr: payload.acr })
    .setProtectedHeader({ alg: 'ES256', typ: 'oauth-id-jag+jwt', kid: 'peer' }).setIssuer('http://127.0.0.1/peer').setSubject(payload.sub)
    .setAudience(form.audience).setJti(randomUUID()).setIssuedAt(now()).setExpirationTime(now() + 300).sign(privateKey);
  return { issued_token_type: 'urn:ietf:params:oauth:token-type:id-jag', access_token: token, token_type: 'N_A', scope: scopes.join(' '), expires_in: 300 };
}

export async function redeem(form, client) {
  const { payload } = await jose.jwtVerify(form.assertion, idJagKeys, { issuer: settings.issuer, audience: settings.ras, typ: 'oauth-id-jag+jwt', algorithms: ['ES256'] })
    .catch(() => { throw new Refused(400, 'invalid_grant'); });
  const key = `${payload.iss}|${payload.jti}`;
  if (payload.client_id !== client || spent.has(key)) throw new Refused(400, 'invalid_grant');
  spent.set(key, payload.exp);
  const scopes = table.get('engineering|desk|bench');
  if (!scopes) throw new Refused(400, 'invalid_scope');
  const token = await new jose.SignJWT({ client_id: client, scope: scopes.join(' ') }).setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'peer' })
    .setIssuer(settings.ras).setSubject(payload.sub).setAudience(settings.resource).setJti(randomUUID()).setIssuedAt(now()).setExpirationTime(now() + 300).sign(privateKey);
  return { access_token: token, token_type: 'Bearer', expires_in: 300, scope: scopes.join(' ') };
}

export const run = (form, client) => (form.grant_type.endsWith('token-exchange') ? exchange(form, client) : redeem(form, client));
