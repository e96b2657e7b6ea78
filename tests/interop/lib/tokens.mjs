// Access tokens of a running deployment for one user after the other: sign-in, ID-JAG, access token.
import { spawn } from 'node:child_process';
import { need } from './env.mjs';

const redirectUri = 'http://127.0.0.1:18499/callback';

export async function idTokenOf(user) {
  const e = need('IDP_ISSUER', 'IDP_CLIENT_ID', 'IDP_CLIENT_SECRET');
  const child = spawn(process.execPath, ['oidc-login.mjs'], { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, OIDC_ISSUER: e.IDP_ISSUER, OIDC_CLIENT_ID: e.IDP_CLIENT_ID,
    OIDC_CLIENT_SECRET: e.IDP_CLIENT_SECRET, REDIRECT_URI: redirectUri, LOGIN: user, PASSWORD: `${user}-password`, OIDC_SCOPE: 'openid email' } });
  let out = '';
  child.stdout.on('data', (d) => { out += d; });
  const code = await new Promise((resolve) => child.on('close', resolve));
  if (code !== 0) throw new Error(`sign-in of ${user} ended with ${code}`);
  return out.trim();
}

async function grant(endpoint, fields) {
  const r = await fetch(endpoint, { method: 'POST', body: new URLSearchParams(fields) });
  const answer = await r.json();
  if (!r.ok) throw new Error(`${endpoint}: ${JSON.stringify(answer)}`);
  return answer.access_token;
}

export async function accessToken(idToken, resource) {
  const e = need('IDP_ISSUER', 'IDP_CLIENT_ID', 'IDP_CLIENT_SECRET', 'RAS_ISSUER', 'RAS_CLIENT_ID', 'RAS_CLIENT_SECRET');
  const assertion = await grant(`${e.IDP_ISSUER}/token`, { grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange', requested_token_type: 'urn:ietf:params:oauth:token-type:id-jag',
    audience: e.RAS_ISSUER, resource, subject_token: idToken, subject_token_type: 'urn:ietf:params:oauth:token-type:id_token', client_id: e.IDP_CLIENT_ID, client_secret: e.IDP_CLIENT_SECRET });
  return grant(`${e.RAS_ISSUER}/token`, { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion, client_id: e.RAS_CLIENT_ID, client_secret: e.RAS_CLIENT_SECRET });
}
