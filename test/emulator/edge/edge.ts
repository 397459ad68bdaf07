// The site's edge (WIRE 2.7, 5.10 A3): it answers with a challenge what does not come from a browser, by path. It stands in
// front of everything else and knows nothing of it but the paths that are not its own.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { RequestRecord } from '../ask-record.ts'
import { challengePage } from '../failure-pages.ts'
import { readBody } from '../read-body.ts'
import { ownOrigin, sessionIdOf } from '../request-headers.ts'
import type { ClientHello } from './client-hello.ts'
import { clearancePath, cookieOf, createVisitors, type ScriptAnswer, type Visitor } from './visitors.ts'
import { findBrowserFault, isNavigation } from './whole-browser.ts'

/** `off`: everyone passes; `clients`: browsers do (WIRE 2.6); `all`: nobody does. */
export type ChallengeMode = 'off' | 'clients' | 'all'

/** One mode for all, or a function of the request, e.g. of the connection's other end, which tells proxies apart. */
export type Challenge = ChallengeMode | ((request: ChallengedRequest) => ChallengeMode)

export interface ChallengedRequest extends Pick<RequestRecord, 'method' | 'path' | 'sessionId'> {
  readonly headers: IncomingMessage['headers']
  readonly remoteAddress: string | undefined
  readonly remotePort: number | undefined
}

export interface EdgeRequest {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly path: string
  /** Undefined over plain HTTP. */
  readonly hello: ClientHello | undefined
}

export interface Edge {
  challenge: Challenge
  /** Lets a request through to the site, at once or when its page has earned its clearance, or answers it with a challenge.
   *  `pass` is given the script that pages have to run. */
  receive(received: EdgeRequest, pass: (script: string | undefined) => void): void
}

export interface EdgeOptions {
  /** Given at all, even as `off`: pages get their cookies and clearance from the start, so that a challenge may begin while
   *  they are open. Default: they get them once `challenge` is set. */
  readonly challenge?: Challenge | undefined
  readonly onChallenged: (request: RequestRecord) => void
}

export function createEdge(options: EdgeOptions): Edge {
  const visitors = createVisitors()
  let challenge = options.challenge ?? 'off'
  let isActive = options.challenge !== undefined

  function receive(received: EdgeRequest, pass: (script: string | undefined) => void): void {
    const { request, response, path, hello } = received
    if (!isActive || !isSiteRoute(path)) return pass(undefined)
    const { cookie, 'user-agent': userAgent } = request.headers
    const mode = modeFor(received)
    if (mode === 'all') return refuse(received, 'browsers are challenged too')
    const fault = mode === 'off' ? undefined : findBrowserFault(request, hello)
    if (fault) return refuse(received, fault)

    const known = visitors.find(cookie, userAgent)
    if (path === clearancePath) return void takeAnswer(received, known)
    if (isNavigation(request) && !path.startsWith('/api/')) {
      const visitor = known ?? visitors.create(userAgent ?? '')
      setCookie(received, '__cf_bm', visitor.id)
      return pass(visitor.clearance === undefined ? visitors.script(visitor) : undefined)
    }
    if (known) setCookie(received, '__cf_bm', known.id)
    // Over TLS the handshake has told the program; over plain HTTP anyone can write what a browser writes.
    if (mode === 'off' || hello || hasClearance(known, cookie)) return pass(undefined)
    if (!known || known.clearance !== undefined) return refuse(received, 'no cookies of a page')
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    void visitors.cleared(known, gone.signal).then(() => {
      if (gone.signal.aborted) return
      if (known.clearance === undefined) refuse(received, 'a page whose script has not run')
      else pass(undefined)
    })
  }

  function modeFor({ request, path }: EdgeRequest): ChallengeMode {
    if (typeof challenge === 'string') return challenge
    const { method = 'GET', headers, socket } = request
    const { remoteAddress, remotePort } = socket
    return challenge({
      method,
      path,
      sessionId: sessionIdOf(headers.cookie),
      headers,
      remoteAddress,
      remotePort,
    })
  }

  async function takeAnswer(received: EdgeRequest, visitor: Visitor | undefined): Promise<void> {
    const { request, response } = received
    const answer = await readAnswer(request)
    if (!visitor || !answer || !visitors.clear(visitor, answer)) {
      return refuse(received, 'a wrong answer of the page’s script')
    }
    setCookie(received, 'cf_clearance', visitor.clearance ?? '')
    response.writeHead(200).end()
  }

  function refuse({ request, response, path }: EdgeRequest, words: string): void {
    response.writeHead(403, { 'Content-Type': 'text/html; charset=UTF-8', 'cf-mitigated': 'challenge' })
    response.end(challengePage('fixture'))
    const { method = 'GET', headers } = request
    options.onChallenged({ method, path, sessionId: sessionIdOf(headers.cookie), challenged: words })
  }

  return {
    receive,
    get challenge() {
      return challenge
    },
    set challenge(mode) {
      challenge = mode
      isActive = true
    },
  }
}

/** The paths of section 11, of Google's script and of storage are not behind the challenge (WIRE 2.7, 10.13); the rest is. */
const isSiteRoute = (path: string): boolean => !elsewhere.test(path)

const elsewhere =
  /^\/(?:api\/(?:tool_cli|llm_proxy|anthropic|cli_auth)\/|recaptcha\/|blob\/|blob-upload\/|elsewhere\/|favicon\.ico$)/

const hasClearance = (visitor: Visitor | undefined, cookie: string | undefined): boolean =>
  visitor?.clearance !== undefined &&
  (cookieOf(cookie, 'cf_clearance') ?? visitor.clearance) === visitor.clearance

function setCookie({ request, response }: EdgeRequest, name: string, value: string): void {
  const attributes = name === '__cf_bm' ? '; Max-Age=1800' : ''
  const secure = ownOrigin(request).startsWith('https:') ? '; Secure' : ''
  response.appendHeader('Set-Cookie', `${name}=${value}; Path=/; HttpOnly${attributes}${secure}`)
}

async function readAnswer(request: IncomingMessage): Promise<ScriptAnswer | undefined> {
  try {
    return JSON.parse((await readBody(request)).toString('utf8')) as ScriptAnswer
  } catch {
    return undefined
  }
}
