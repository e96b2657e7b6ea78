// The two grants as grant types of a certified OpenID provider: it reads the request and authenticates the client, and the grants are those of the other peers.
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import Provider, { errors } from 'oidc-provider';
import { run, Refused } from './grants.mjs';

const { clients } = JSON.parse(process.env.BENCH_SETTINGS);
const grants = {
  'urn:ietf:params:oauth:grant-type:token-exchange': ['requested_token_type', 'audience', 'resource', 'scope', 'subject_token', 'subject_token_type'],
  'urn:ietf:params:oauth:grant-type:jwt-bearer': ['assertion'],
};
const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
const provider = new Provider(`http://127.0.0.1:${process.env.PORT}`, {
  clients: clients.map(({ client_id, secret }) => ({ client_id, client_secret: secret, grant_types: Object.keys(grants), redirect_uris: [], response_types: [], token_endpoint_auth_method: 'client_secret_basic', id_token_signed_response_alg: 'ES256' })),
  clientAuthMethods: ['client_secret_basic'],
  scopes: ['mcp'],
  jwks: { keys: [{ ...key, kid: 'peer', alg: 'ES256', use: 'sig' }] },
  cookies: { keys: [randomUUID()] },
  features: { devInteractions: { enabled: false } },
});
for (const [name, parameters] of Object.entries(grants)) {
  provider.registerGrantType(name, async (ctx) => {
    try {
      ctx.body = await run(ctx.oidc.params, ctx.oidc.client.clientId);
    } catch (e) {
      throw e instanceof Refused ? new errors.InvalidGrant(e.error) : e;
    }
  }, parameters);
}
provider.on('server_error', (_, e) => console.error(e));
provider.listen(+process.env.PORT, '127.0.0.1');
