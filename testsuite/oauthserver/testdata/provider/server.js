// An OAuth 2.0 authorization server for tests: node-oidc-provider with its own forms for log-in and consent, where any name and
// password will do. The one argument is its configuration as JSON; a PUT of /_test/settings changes what of it may change while it runs.
import http from 'node:http'
import Provider from 'oidc-provider'

const options = JSON.parse(process.argv[2])
const settings = { access: 3600, rotate: true, ...options.settings }

const provider = new Provider(options.issuer, {
  clients: options.clients,
  cookies: { keys: ['of the test'] },
  claims: { openid: ['sub'], email: ['email'] },
  conformIdTokenClaims: false,
  scopes: ['openid', 'offline_access', 'email', 'mail'],
  pkce: { methods: ['S256'], required: () => true },
  clientBasedCORS: () => false,
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, email: id }) }),
  issueRefreshToken: async (_, client, code) => client.grantTypeAllowed('refresh_token') && code.scopes.has('offline_access'),
  rotateRefreshToken: () => settings.rotate,
  extraTokenClaims: () => settings.claims,
  ttl: {
    AccessToken: () => settings.access, ClientCredentials: () => settings.access, AuthorizationCode: 60, DeviceCode: 300,
    RefreshToken: 86400, Session: 86400, Grant: 86400, Interaction: 3600, IdToken: 3600,
  },
  features: {
    devInteractions: { enabled: true },
    clientCredentials: { enabled: true },
    deviceFlow: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
    // A client that asks for a token for an API (parameter resource) gets a JWT for it.
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_, resource) => ({ audience: resource, scope: '', accessTokenFormat: 'jwt', accessTokenTTL: settings.access }),
    },
  },
})
provider.on('server_error', (_, err) => console.error(err))

const serve = provider.callback()
const server = http.createServer((req, res) => {
  if (req.url !== '/_test/settings') return serve(req, res)
  let body = ''
  req.on('data', (part) => { body += part })
  req.on('end', () => {
    Object.assign(settings, JSON.parse(body))
    res.end()
  })
})
server.listen(options.port, '127.0.0.1')
