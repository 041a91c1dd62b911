// A real OpenID provider (npm oidc-provider) on loopback, with a login page of its own, until its standard input ends.
//
//   node provider.mjs <modules> <config>
//
// modules: the folder node_modules to take oidc-provider from. config: a JSON file {name, clients, accounts}, where
// accounts is a JSON file {subject: claims} that is read anew at each question, so that a test may change it.
// It prints its issuer, one line, once it listens.
import { createServer } from 'node:http'
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

const [modules, file] = process.argv.slice(2)
const { Provider } = await import(pathToFileURL(`${modules}/oidc-provider/lib/index.js`))
const config = JSON.parse(readFileSync(file))
const accounts = () => JSON.parse(readFileSync(config.accounts))

const page = (title, body) => `<!doctype html><html lang="en"><title>${title}</title><h1>${title}</h1>${body}</html>`
const server = createServer()
await new Promise((ready) => server.listen(0, '127.0.0.1', ready))
const issuer = `http://localhost:${server.address().port}`

const provider = new Provider(issuer, {
  clients: config.clients,
  cookies: {
    keys: ['a key for tests'],
    names: { session: `${config.name}_session`, interaction: `${config.name}_interaction`, resume: `${config.name}_resume` },
  },
  claims: {
    openid: ['sub'],
    email: ['email', 'email_verified'],
    profile: ['name', 'preferred_username'],
    eduperson_entitlement: ['eduperson_entitlement'],
    groups: ['groups'],
  },
  pkce: { required: () => true },
  ttl: { AccessToken: 600, AuthorizationCode: 60, IdToken: 600, Interaction: 600, Session: 600, Grant: 600 },
  features: {
    devInteractions: { enabled: false },
    backchannelLogout: { enabled: true },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: (ctx, form) => {
        ctx.body = page('Sign out', `${form}<button type="submit" form="op.logoutForm" name="logout" value="yes">Yes</button>`)
      },
    },
  },
  // its own guard keeps it from asking this machine; the portal is on this machine
  fetch: (url, { dispatcher, ...options }) => fetch(url, options),
  findAccount: (ctx, subject) => {
    const claims = accounts()[subject]
    return claims && { accountId: subject, claims: () => ({ sub: subject, ...claims }) }
  },
  // every client of a test has been consented to
  loadExistingGrant: async (ctx) => {
    const grant = new provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId })
    grant.addOIDCScope('openid profile email eduperson_entitlement groups')
    await grant.save()
    return grant
  },
})
provider.on('server_error', (ctx, error) => console.error(error))
provider.on('backchannel.error', (ctx, error) => console.error(error))

async function interact(request, response) {
  if (request.method === 'GET') {
    const form = '<form method="post"><label>Login <input name="login"></label> <button>Continue</button></form>'
    response.setHeader('content-type', 'text/html')
    response.end(page(`Sign in at ${config.name}`, form))
    return
  }
  let body = ''
  for await (const piece of request) body += piece
  const login = new URLSearchParams(body).get('login')
  const result = login in accounts() ? { login: { accountId: login } } : { error: 'access_denied' }
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false })
}

const answer = provider.callback()
server.on('request', (request, response) => {
  if (!request.url.startsWith('/interaction/')) return answer(request, response)
  interact(request, response).catch((error) => {
    response.statusCode = 400
    response.end(String(error))
  })
})
process.stdin.on('end', () => process.exit(0)).resume()
console.log(issuer)
