// A Writ that knows people only through a company's own provider, with a server behind its gateway: what federation.mjs runs against. Passwords and
// secrets stand here in clear because they are only for that.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const base = 'http://127.0.0.1:18520';
export const upstream = 'http://127.0.0.1:18591';
export const applicationRedirect = 'http://127.0.0.1:18599/callback';
export const upstreamSecret = 'enterprise-idp-secret-0123456789';
export const desk = {
  idp: { client_id: 'desk-at-idp', client_secret: 'desk-secret-at-the-idp-for-tests-only' },
  ras: { client_id: 'desk-at-ras', client_secret: 'desk-secret-at-the-ras-for-tests-only' },
};

export function writeDeployment(directory) {
  const file = (name, text) => writeFileSync(join(directory, name), text, { mode: 0o600 });
  mkdirSync(join(directory, 'deployment'));
  file('upstream.secret', `${upstreamSecret}\n`);
  file('writ.yaml', `base_url: ${base}
data: data
organisation: Example Corporation
listeners:
  public: {address: "127.0.0.1:18520"}
  admin: {address: "127.0.0.1:18521"}
objects: deployment
policy: deployment
`);
  file('deployment/objects.yaml', `groups:
  - {id: eng, display_name: Engineering}
  - {id: sales, display_name: Marketing and sales}
users:
  - {name: break-glass, display_name: Local administrator, password: only-for-emergencies}
identity_connectors:
  - id: corp
    display_name: Example Corp
    issuer: ${upstream}
    client_id: enterprise-idp
    client_secret_file: ${join(directory, 'upstream.secret')}
    scopes: [openid, email, profile, groups]
    domains: [example.com]
    just_in_time: true
    claims: {user_name: email}
    groups: {engineering: eng, marketing: sales}
    subject_clients: {public-client: desk}
  - id: partner
    display_name: Partner Login
    issuer: http://127.0.0.1:18592
    client_id: writ
    client_authentication: none
    domains: [partner.example]
resource_authorization_servers:
  - {issuer: ${base}/ras, display_name: Writ}
trusted_issuers:
  - {issuer: ${base}/idp, subject: user_id, clients: all, scope_ceiling: all}
agents:
  - id: desk
    display_name: Desk assistant
    idp: {client_id: ${desk.idp.client_id}, secret: ${desk.idp.client_secret}, redirect_uris: ["${applicationRedirect}"]}
    resource_authorization_servers:
      - {issuer: ${base}/ras, client_id: ${desk.ras.client_id}, secret: ${desk.ras.client_secret}}
servers:
  - id: everything
    resource: ${base}/mcp/everything
    resource_authorization_server: ${base}/ras
    upstream: {url: "http://127.0.0.1:18531/mcp"}
    scopes: [{name: mcp, description: Use this server, default: true}]
`);
  file('deployment/grants.yaml', `grants:
  - {group: eng, agents: [desk], servers: [everything], scopes: all, tools: all}
`);
  return join(directory, 'writ.yaml');
}
