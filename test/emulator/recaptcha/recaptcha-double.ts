// The site's pages and Google's script as far as a token needs them: a token is bound to cookies, key and action (WIRE 3).
// A test switches `behaviour` at any time; pages that are open already follow it.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { WireGeneration } from '../../../src/core/wire-generation.ts'
import { withoutEdgeCookies } from '../edge/visitors.ts'
import { dropReply } from '../end-reply.ts'
import { apiScript, heavyParts, loaderScript, renderPage, siteScript, styleSheet } from './pages.ts'
import {
  agentSiteKey,
  copilotSiteKey,
  createTokenLedger,
  type MintedToken,
  sortedCookies,
  type TokenVerdict,
} from './token-ledger.ts'

export type { MintedToken, TokenVerdict } from './token-ledger.ts'

export type ExecuteBehaviour = 'ok' | 'loop' | 'hang' | 'empty' | 'throws'

export interface RecaptchaBehaviour {
  /** `absent`: the pages do not load it, but its address serves it. `blocked`: its address drops the connection. */
  pageScript: 'present' | 'absent' | 'blocked'
  /** `never`: the script runs and defines nothing. */
  grecaptcha: 'defined' | 'never'
  execute: ExecuteBehaviour
  /** In place of `execute` for pages with this `Cookie` header. */
  readonly executeFor: Map<string, ExecuteBehaviour>
  mintDelayMs: number
  /** So many calls are rejected, then all is as before. */
  failNextMints: number
  /** So many calls are never answered, then all is as before. */
  hangNextMints: number
  /** What the script gives in the place of a token. */
  tokenOf: ((token: string) => string) | undefined
  /** HTTP status of the pages; any but 200 comes without a script. */
  pageStatus: number
  keyRefused: boolean
  /** Cloudflare stands in front of the pages: 403, `cf-mitigated`. */
  challenge: boolean
  /** Of script that the pages run beside Google's, and with it a frame of another site, as the true one has. Default: 0, none. */
  pageScriptMb: number
  /** What the gen-2 page loads; gen 1 keeps its own. */
  agentSiteKey: string
}

export interface RecaptchaRequest {
  readonly method: string
  readonly path: string
  readonly cookie: string
}

export interface RecaptchaDouble {
  /** Serves the pages, the scripts and the mint call that the script makes.
   *  @param script  what a page runs before anything else
   *  @returns false when the path is not its own */
  handle(request: IncomingMessage, response: ServerResponse, script?: string): boolean
  /** Checks and spends a token as the site's back end would. */
  redeem(token: string | undefined, use: { cookie: string; generation: WireGeneration }): TokenVerdict
  /** Mints as if a page had, for whoever makes tokens elsewhere. */
  mint(input: { cookie: string; siteKey: string; action: string }): string
  readonly behaviour: RecaptchaBehaviour
  /** Every minted token, in order. */
  readonly ledger: readonly MintedToken[]
  /** Everything that a browser asked of it, in order. */
  readonly requests: readonly RecaptchaRequest[]
}

export interface RecaptchaDoubleOptions {
  readonly now?: () => number
  /** The same text for all `Cookie` headers of one account's browser. Default: the cookies, in any order. */
  readonly identify?: (cookie: string) => string
}

export function createRecaptchaDouble(options: RecaptchaDoubleOptions = {}): RecaptchaDouble {
  const { now = Date.now, identify = sortedCookies } = options
  const ledger = createTokenLedger(now, (cookie) => identify(withoutEdgeCookies(cookie)))
  const requests: RecaptchaRequest[] = []
  const behaviour: RecaptchaBehaviour = {
    pageScript: 'present',
    grecaptcha: 'defined',
    execute: 'ok',
    executeFor: new Map(),
    mintDelayMs: 0,
    failNextMints: 0,
    hangNextMints: 0,
    tokenOf: undefined,
    pageStatus: 200,
    keyRefused: false,
    challenge: false,
    pageScriptMb: 0,
    agentSiteKey,
  }

  const pages: Record<string, () => string> = {
    '/': () => `/recaptcha/api.js?render=${copilotSiteKey}`,
    '/agents': () => `/recaptcha/enterprise.js?render=${behaviour.agentSiteKey}`,
  }
  const routes: Record<string, (response: ServerResponse, url: URL, request: IncomingMessage) => void> = {
    '/recaptcha/api.js': (response, url) => sendLoader(response, 'v3', url),
    '/recaptcha/enterprise.js': (response, url) => sendLoader(response, 'enterprise', url),
    '/recaptcha/releases/v3.js': (response) => send(response, 'text/javascript', apiScript('v3')),
    '/recaptcha/releases/enterprise.js': (response) =>
      send(response, 'text/javascript', apiScript('enterprise')),
    '/recaptcha/mint': (response, _url, request) => void mint(request, response),
    '/recaptcha/assets/site.css': (response) => send(response, 'text/css', styleSheet),
    '/recaptcha/assets/app.js': (response) =>
      send(response, 'text/javascript', siteScript(behaviour.pageScriptMb)),
    '/recaptcha/assets/frame.html': (response) => send(response, 'text/html', '<script>1</script>'),
    '/recaptcha/assets/logo.png': (response) => send(response, 'image/png', ''),
    '/recaptcha/assets/brand.woff2': (response) => send(response, 'font/woff2', ''),
    '/recaptcha/assets/intro.mp4': (response) => send(response, 'video/mp4', ''),
  }

  function sendPage(response: ServerResponse, loader: string, given: string | undefined): void {
    const { pageScript } = behaviour
    const script = (given ?? '') + (behaviour.pageScriptMb > 0 ? heavyParts(response.req.headers.host) : '')
    const pageStatus = behaviour.challenge ? 403 : behaviour.pageStatus
    if (behaviour.challenge) response.setHeader('cf-mitigated', 'challenge')
    const withLoader = pageStatus === 200 && pageScript !== 'absent'
    send(response, 'text/html', renderPage(withLoader ? loader : undefined, script), pageStatus)
  }

  function sendLoader(response: ServerResponse, form: 'v3' | 'enterprise', url: URL): void {
    if (behaviour.pageScript === 'blocked') return dropReply(response)
    const siteKey = url.searchParams.get('render') ?? ''
    send(response, 'text/javascript', behaviour.grecaptcha === 'never' ? '' : loaderScript(form, siteKey))
  }

  async function mint(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { siteKey, action } = JSON.parse(Buffer.concat(chunks).toString())
    const timer = setTimeout(() => {
      send(response, 'application/json', JSON.stringify(answer(cookieOf(request), siteKey, action)))
    }, behaviour.mintDelayMs)
    response.once('close', () => clearTimeout(timer))
  }

  function answer(cookie: string, siteKey: string, action: string): { token?: string; order?: string } {
    if (behaviour.keyRefused) return { order: 'refuse-key' }
    if (behaviour.failNextMints > 0) {
      behaviour.failNextMints -= 1
      return { order: 'reject' }
    }
    if (behaviour.hangNextMints > 0) {
      behaviour.hangNextMints -= 1
      return { order: 'hang' }
    }
    const execute = behaviour.executeFor.get(cookie) ?? behaviour.execute
    switch (execute) {
      case 'loop':
      case 'hang':
        return { order: execute }
      case 'throws':
        return { order: 'reject' }
      case 'empty':
        return { token: '' }
      case 'ok':
        return { token: tokenGiven(ledger.mint({ cookie, siteKey, action })) }
    }
  }

  const tokenGiven = (token: string) => behaviour.tokenOf?.(token) ?? token

  return {
    behaviour,
    requests,
    ledger: ledger.entries,
    redeem: ledger.redeem,
    mint: ledger.mint,
    handle(request, response, script) {
      const url = new URL(request.url ?? '/', 'http://double')
      const page = pages[url.pathname]
      const route = page ? () => sendPage(response, page(), script) : routes[url.pathname]
      if (!route) return false
      requests.push({
        method: request.method ?? '',
        path: url.pathname,
        cookie: cookieOf(request),
      })
      route(response, url, request)
      return true
    },
  }
}

/** Google's hosts see none of the edge's cookies. */
const cookieOf = ({ headers }: IncomingMessage): string => withoutEdgeCookies(headers.cookie ?? '')

function send(response: ServerResponse, contentType: string, body: string, status = 200): void {
  response.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store' }).end(body)
}
