// A real OAuth and OpenID Connect server, npm's oidc-provider, for the end-to-end tests.
//
//   node oidc-provider.mjs FOLDER NODE_FOLDER
//
// FOLDER/settings.json says which port, keys, lifetime and algorithm it has and which endpoints are
// disturbed; it is read again for every request, so that all of this can change while it runs.
// What it issued survives a stop and a start, in FOLDER/records.json. FOLDER/requests.log has a line
// for each request, except for those that the test bench itself makes.
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const [folder, nodeFolder] = process.argv.slice(2);
const { default: Provider } = await import(createRequire(`${nodeFolder}/`).resolve('oidc-provider'));

const recordsPath = join(folder, 'records.json');
const records = new Map(existsSync(recordsPath) ? JSON.parse(readFileSync(recordsPath, 'utf8')) : []);

class Adapter {
  constructor(model) { this.prefix = `${model}:`; }

  all() { return [...records].filter(([key]) => key.startsWith(this.prefix)); }

  async find(id) { return records.get(this.prefix + id); }

  async findByUid(uid) { return this.all().find(([, payload]) => payload.uid === uid)?.[1]; }

  async findByUserCode() { return undefined; }

  async upsert(id, payload) { records.set(this.prefix + id, payload); }

  async consume(id) { records.get(this.prefix + id).consumed = Math.floor(Date.now() / 1000); }

  async destroy(id) { records.delete(this.prefix + id); }

  async revokeByGrantId(grantId) {
    for (const [key, payload] of this.all()) if (payload.grantId === grantId) records.delete(key);
  }
}

const client = (id, grants, more) => ({
  client_id: id, client_secret: 's3cret', grant_types: grants, redirect_uris: [], response_types: [], ...more,
});

function makeProvider({ issuer, keys, lifetime, algorithm, opaquePrefix, scopes, audiences, callback }) {
  const scope = scopes.join(' ');
  const provider = new Provider(issuer, {
    adapter: Adapter,
    jwks: { keys },
    cookies: { keys: ['the bench'] },
    scopes: ['openid', 'offline_access', ...scopes],
    clients: [
      client('ci', ['client_credentials'], { scope }),
      client('web', ['authorization_code', 'refresh_token'],
        { redirect_uris: [callback], response_types: ['code'], scope: `openid offline_access ${scope}` }),
      client('introspector', []),
    ],
    ttl: {
      AccessToken: lifetime, ClientCredentials: lifetime, IdToken: lifetime, Grant: 86400, Interaction: 600, Session: 86400,
    },
    features: {
      clientCredentials: { enabled: true },
      revocation: { enabled: true },
      introspection: { enabled: true, allowedPolicy: async () => true },
      devInteractions: { enabled: true }, // takes any login name and password
      resourceIndicators: {
        enabled: true,
        defaultResource: (ctx) => ctx.oidc.params.resource,
        useGrantedResource: async () => true,
        getResourceServerInfo: (ctx, resource) => ({
          scope,
          audience: audiences[resource] ?? resource,
          accessTokenFormat: 'jwt',
          accessTokenTTL: lifetime,
          jwt: { sign: { alg: algorithm } },
        }),
      },
    },
  });
  for (const model of [provider.AccessToken, provider.ClientCredentials]) {
    const { generateTokenId } = model.prototype;
    model.prototype.generateTokenId = function prefixed() { return opaquePrefix + generateTokenId.call(this); };
  }
  return provider;
}

const readSettings = () => JSON.parse(readFileSync(join(folder, 'settings.json'), 'utf8'));
let madeFrom;
let handle;

/** The request handler of a provider that has the settings of this moment. */
function handler(provider) {
  const text = JSON.stringify(provider);
  if (text !== madeFrom) {
    handle = makeProvider(provider).callback();
    madeFrom = text;
  }
  return handle;
}

const server = createServer(async (request, response) => {
  const [path] = request.url.split('?');
  if (request.headers['user-agent'] !== 'test bench') {
    appendFileSync(join(folder, 'requests.log'), `${request.method} ${path}\n`);
  }
  const { provider, disturbed } = readSettings();
  const { delay = 0, status, type, body } = disturbed[path] ?? {};
  if (delay) await sleep(delay * 1000);
  if (status) response.writeHead(status, { 'content-type': type }).end(body);
  else handler(provider)(request, response);
});

process.on('SIGTERM', () => {
  writeFileSync(recordsPath, JSON.stringify([...records]), { mode: 0o600 });
  process.exit(0);
});

const { port, provider } = readSettings();
handler(provider);
server.listen(port, '127.0.0.1');
