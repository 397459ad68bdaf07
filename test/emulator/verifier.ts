// The double of a token service, e.g. genspark-playwright-proxy (WIRE 3.5): `GET /genspark`. Its tokens are of an emulator's
// ledger, so that the emulator accepts them for the cookie that they were asked with.

import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { RecaptchaDouble } from './recaptcha/recaptcha-double.ts'
import { agentSiteKey, copilotSiteKey } from './recaptcha/token-ledger.ts'

export interface VerifierBehaviour {
  /** `error`: HTTP 500; `code-500`: HTTP 200 with that code; `never`: no answer at all. */
  answer: 'token' | 'empty-token' | 'code-500' | 'error' | 'bad-json' | 'reset' | 'never'
  /** For which asks a token is good. Default: `copilot`, as the service that it doubles. */
  generation: 'copilot' | 'agent'
  /** Wait before each answer. */
  delayMs: number
}

export interface Verifier {
  readonly url: string
  readonly behaviour: VerifierBehaviour
  /** The `Cookie` header of every request, in order. */
  readonly cookies: readonly string[]
  /** Requests that WIRE 3.5 does not allow, in words. */
  readonly violations: readonly string[]
  close(): Promise<void>
}

export async function startVerifier(
  recaptcha: Pick<RecaptchaDouble, 'mint'>,
  options: Partial<VerifierBehaviour> = {},
): Promise<Verifier> {
  const behaviour: VerifierBehaviour = { answer: 'token', generation: 'copilot', delayMs: 0, ...options }
  const cookies: string[] = []
  const violations: string[] = []

  function handle(request: IncomingMessage, response: ServerResponse): void {
    const { method, url, headers } = request
    const fault = requestFault(request)
    if (fault) {
      violations.push(`${method} ${url}: ${fault}`)
      return void response.writeHead(400).end()
    }
    const cookie = headers.cookie ?? ''
    cookies.push(cookie)
    const timer = setTimeout(() => answer(response, cookie), behaviour.delayMs)
    response.once('close', () => clearTimeout(timer))
  }

  function answer(response: ServerResponse, cookie: string): void {
    switch (behaviour.answer) {
      case 'token':
        return send(response, 200, {
          code: 200,
          token: recaptcha.mint({ cookie, ...uses[behaviour.generation] }),
        })
      case 'empty-token':
        return send(response, 200, { code: 200, token: '' })
      case 'code-500':
        return send(response, 200, { code: 500, message: 'no token could be made' })
      case 'error':
        return send(response, 500, { code: 500, message: 'the browser has crashed' })
      case 'bad-json':
        return void response.writeHead(200).end('<html>not JSON</html>')
      case 'reset':
        return void response.socket?.resetAndDestroy()
      case 'never':
        return
      default:
        behaviour.answer satisfies never
    }
  }

  const server = createServer(handle).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    behaviour,
    cookies,
    violations,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

const uses = {
  copilot: { siteKey: copilotSiteKey, action: 'copilot' },
  agent: { siteKey: agentSiteKey, action: 'submit' },
} as const

function requestFault({ method, url, headers }: IncomingMessage): string | undefined {
  if (method !== 'GET' || url !== '/genspark') return 'an unknown path'
  if (headers['content-type'] !== 'application/json') return `Content-Type ${headers['content-type']}`
  return headers.cookie ? undefined : 'no Cookie'
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
}
