// The two grants as custom grant types of oidc-provider, which brings client authentication and its own checks.
import Provider from 'oidc-provider';
import { exchange, redeem, Refused } from './grants.mjs';

const settings = JSON.parse(process.env.BENCH_SETTINGS);
const kExchange = 'urn:ietf:params:oauth:grant-type:token-exchange', kBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const provider = new Provider(`http://127.0.0.1:${process.env.PORT}`, {
  clients: settings.clients.map((c) => ({ client_id: c.client_id, client_secret: c.secret, grant_types: [kExchange, kBearer], redirect_uris: [], response_types: [], token_endpoint_auth_method: 'client_secret_basic' })),
  features: { devInteractions: { enabled: false }, resourceIndicators: { enabled: false } },
  clientAuthMethods: ['client_secret_basic'],
});
const handler = (work) => async (ctx, next) => {
  try {
    ctx.body = await work(ctx.oidc.params, ctx.oidc.client.clientId);
  } catch (e) {
    ctx.status = e instanceof Refused ? e.status : 500;
    ctx.body = { error: e.error ?? 'server_error' };
  }
  await next();
};
provider.registerGrantType(kExchange, handler(exchange), ['subject_token', 'subject_token_type', 'requested_token_type', 'audience', 'resource', 'scope']);
provider.registerGrantType(kBearer, handler(redeem), ['assertion', 'scope', 'resource']);
provider.listen(+process.env.PORT, '127.0.0.1');
