#!/usr/bin/env node
// A certified OpenID provider on loopback, as the company's own sign-in
// service: users alice (engineering, admins) and bob (marketing), a
// confidential client and a public one, both with PKCE.
//   PORT=19100 REDIRECT_URI=http://127.0.0.1:19110/callback node upstream-oidc-provider.mjs
// Any password signs in.  Settings: CLIENT_ID, CLIENT_SECRET, PUBLIC_CLIENT_ID, ID_TOKEN_TTL, ALG, CONFIDENTIAL_ONLY=1;
// SIGNED_OUT_URI and BACKCHANNEL_LOGOUT_URI of the confidential client, for signing out.
import Provider from 'oidc-provider';
import { generateKeyPairSync } from 'node:crypto';

const PORT = +(process.env.PORT ?? 19100);
const issuer = process.env.ISSUER ?? `http://127.0.0.1:${PORT}`;
const redirect_uris = (process.env.REDIRECT_URI ?? 'http://127.0.0.1:19110/callback').split(' ');
const users = {
  alice: { email: 'alice@example.com', name: 'Alice Example', groups: ['engineering', 'admins'] },
  bob: { email: 'bob@example.com', name: 'Bob Example', groups: ['marketing'] }
};
const client = (client_id, more) => ({ client_id, redirect_uris, grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'], id_token_signed_response_alg: process.env.ALG ?? 'RS256', ...more });
const logout = {
  ...(process.env.SIGNED_OUT_URI ? { post_logout_redirect_uris: [process.env.SIGNED_OUT_URI] } : {}),
  ...(process.env.BACKCHANNEL_LOGOUT_URI ? { backchannel_logout_uri: process.env.BACKCHANNEL_LOGOUT_URI, backchannel_logout_session_required: true } : {})
};
// keys of its own for every run; ALG=ES256 signs ID tokens with the EC key
const jwk = (kid, alg, pair) => ({ ...pair.privateKey.export({ format: 'jwk' }), kid, alg, use: 'sig' });
const jwks = { keys: [jwk('op-rsa', 'RS256', generateKeyPairSync('rsa', { modulusLength: 2048 })), jwk('op-ec', 'ES256', generateKeyPairSync('ec', { namedCurve: 'P-256' }))] };
const provider = new Provider(issuer, {
  jwks,
  clients: [
    client(process.env.CLIENT_ID ?? 'enterprise-idp', { client_secret: process.env.CLIENT_SECRET ?? 'enterprise-idp-secret-0123456789', token_endpoint_auth_method: 'client_secret_basic', ...logout }),
    ...(process.env.CONFIDENTIAL_ONLY ? [] : [client(process.env.PUBLIC_CLIENT_ID ?? 'public-client', { token_endpoint_auth_method: 'none', application_type: 'native' })])
  ],
  ...(process.env.CONFIDENTIAL_ONLY ? { clientAuthMethods: ['client_secret_basic'] } : {}),
  pkce: { required: () => true },
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'], groups: ['groups'] },
  scopes: ['openid', 'offline_access'],
  conformIdTokenClaims: false, // put the claims into the ID token itself
  findAccount: (_, sub) => users[sub] && { accountId: sub, claims: () => ({ sub, email_verified: true, ...users[sub] }) },
  features: { devInteractions: { enabled: true }, revocation: { enabled: true }, introspection: { enabled: true }, ...(process.env.BACKCHANNEL_LOGOUT_URI ? { backchannelLogout: { enabled: true } } : {}) },
  // its own guard would not send a logout token to this machine
  fetch: (url, { dispatcher, ...options }) => fetch(url, options),
  ttl: { IdToken: +(process.env.ID_TOKEN_TTL ?? 3600), AccessToken: 3600, Interaction: 600, Session: 3600, Grant: 3600, RefreshToken: 86400 },
  cookies: { keys: [crypto.randomUUID()] }
});
provider.on('server_error', (_, e) => console.error(e));
provider.listen(PORT, '127.0.0.1', () => console.log(`listening on ${issuer}`));
