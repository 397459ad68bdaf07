import type { IncomingHttpHeaders } from 'node:http'
import type { BrowserContext, CDPSession, Page, Response } from 'playwright'
import { UpstreamError } from '../core/errors.ts'
import type { Reply, ReplyRequest } from '../core/open-reply.ts'
import { settles } from './abortable.ts'
import { blockHeavyFiles } from './block-heavy-files.ts'
import { firstLine } from './token-source.ts'

/** A page of the site that makes requests for us, many at once. */
export interface RequestPage {
  /** Sends the request by a `fetch` of the page; contract: `OpenReply`.
   *  @param done  called once, when nothing more will come of it */
  open(request: ReplyRequest, done: () => void): Promise<Reply>
  /** Takes no further requests: it died, moved on, or the site challenged it. */
  readonly isOver: boolean
  /** Ends what is open on it. */
  close(): Promise<void>
}

export interface RequestPageOptions {
  readonly url: string
  /** How long a challenge may take to let the browser through by itself. */
  readonly challengeMs: number
  /** A page with open requests that said nothing for so long is asked whether it is alive; the answer may take `answerMs`. */
  readonly silenceMs: number
  readonly answerMs: number
  readonly closeMs: number
  /** The browser was not launched by us, with its pictures off: those of this page are not to be loaded. */
  readonly withoutPictures: boolean
  /** Whether the cookies of the account are still in the browser. */
  readonly hasCookies: () => boolean
  /** The page is silent: perhaps the whole browser is gone. */
  readonly onSilent: () => void
}

/** Bytes of one reply that have left the network and not been read by our consumer. */
const windowBytes = 256 * 1024
/** The pieces of all replies that come within this time leave the page as one message: each message costs both processes. */
const joinMs = 4
/** In characters; a message of that length waits for no more. */
const joinLength = 64 * 1024
const worldName = 'genspark2api'
const bindingName = 'genspark2apiSend'

/** Opens a page of the site and the way for bytes out of it.
 *  Why this way: a Playwright binding costs both processes 1 ms a piece, two cores at 2,000 pieces a second. A binding of the
 *  browser's own protocol, with the pieces of a few milliseconds joined, costs less than half of one. `Network.streamResourceContent`
 *  has no back-pressure, and the Fetch domain gives out no body before its end.
 *  @throws {UpstreamError} when the site does not let the page in; any other error when page or browser broke */
export async function openRequestPage(
  context: BrowserContext,
  options: RequestPageOptions,
): Promise<RequestPage> {
  const page = await context.newPage()
  try {
    const line = new PageLine(page, await context.newCDPSession(page), options)
    const allowPictures = options.withoutPictures ? await refusePictures(context, page) : undefined
    const response = await navigate(page, options.url)
    if (allowPictures)
      page.waitForLoadState('load', { timeout: longestLoadMs }).then(allowPictures, allowPictures)
    await passChallenge(page, response, options)
    await line.begin()
    return line
  } catch (error) {
    page.close().catch(() => {})
    throw error
  }
}

/** While the page loads, on a session of its own: as long as it is there the events of the Network domain are told twice, and every
 *  piece of an answer is one. @returns ends it */
async function refusePictures(context: BrowserContext, page: Page): Promise<() => void> {
  const session = await context.newCDPSession(page)
  await blockHeavyFiles(session, true)
  return () => void session.detach().catch(() => {})
}

const longestLoadMs = 30_000

async function navigate(page: Page, url: string): Promise<Response | null> {
  try {
    return await page.goto(url, { waitUntil: 'commit', timeout: 0 })
  } catch (error) {
    const netError = /net::ERR_\w+/.exec(firstLine(error))?.[0]
    if (!netError || netError === 'net::ERR_ABORTED') throw error
    const message = `Genspark's page could not be opened (${netError}): check the network and PROXY_URL.`
    throw new UpstreamError('unavailable', { message, cause: error })
  }
}

/** An ordinary browser is often let through after a moment: the challenge then loads the page anew. */
async function passChallenge(
  page: Page,
  response: Response | null,
  { url, challengeMs }: RequestPageOptions,
): Promise<void> {
  if (response && (await isChallenge(page, response))) {
    const isPassed = (later: Response) =>
      later.frame() === page.mainFrame() && later.request().isNavigationRequest() && later.ok()
    try {
      await page.waitForResponse(isPassed, { timeout: challengeMs })
      await page.waitForLoadState('domcontentloaded', { timeout: challengeMs })
    } catch (error) {
      if (page.isClosed() || !/timeout/i.test(firstLine(error))) throw error
      throw new UpstreamError('challenged', { cause: error })
    }
  }
  const { origin, host } = new URL(page.url())
  if (origin === new URL(url).origin) return
  throw new UpstreamError('unavailable', { message: `Genspark's page sends the browser on to ${host}.` })
}

/** Any other refusal of the page says little: its requests may be answered all the same. */
export async function isChallenge(page: Page, response: Response): Promise<boolean> {
  if (response.headers()['cf-mitigated'] === 'challenge') return true
  const status = response.status()
  return (
    (status === 403 || status === 503) &&
    (/just a moment|attention required/i.test(await page.title()) ||
      (await page.evaluate(() => '_cf_chl_opt' in window)))
  )
}

/** One page and the replies that are open on it. The requests are made in a world of our own: the site's scripts neither see
 *  nor change them, and what the site wraps round `fetch` is not in it. */
class PageLine implements RequestPage {
  isOver = false
  readonly #page: Page
  readonly #session: CDPSession
  readonly #options: RequestPageOptions
  readonly #replies = new Map<number, PageReply>()
  #world = 0
  #lastId = 0
  #heardAt = 0
  #watch: NodeJS.Timeout | undefined
  #broken = false

  constructor(page: Page, session: CDPSession, options: RequestPageOptions) {
    this.#page = page
    this.#session = session
    this.#options = options
    // What was asked of a page that dies is never answered: its replies are ended from here.
    page.once('crash', () => this.#break('crashed'))
    page.once('close', () => this.#break('was closed'))
  }

  async begin(): Promise<void> {
    const session = this.#session
    session.on('Runtime.bindingCalled', ({ payload }) => this.#receive(payload))
    session.on('Runtime.executionContextsCleared', () => this.#leave())
    session.on('Runtime.executionContextDestroyed', ({ executionContextId }) => {
      if (executionContextId === this.#world) this.#leave()
    })
    await session.send('Runtime.enable')
    await session.send('Runtime.addBinding', { name: bindingName, executionContextName: worldName })
    const { frameTree } = await session.send('Page.getFrameTree')
    const frameId = frameTree.frame.id
    const { executionContextId } = await session.send('Page.createIsolatedWorld', { frameId, worldName })
    this.#world = executionContextId
    await this.#call(`(${installAgent})(${JSON.stringify({ bindingName, windowBytes, joinMs, joinLength })})`)
  }

  async open(request: ReplyRequest, done: () => void): Promise<Reply> {
    if (this.isOver) throw new Error('the page is over')
    request.signal.throwIfAborted()
    this.#lastId += 1
    const id = this.#lastId
    const redirect = request.method === 'GET' ? this.#watchRedirect(request.url) : undefined
    const reply = new PageReply(id, this, request.signal, () => {
      this.#replies.delete(id)
      if (!reply.isRedirect) redirect?.stop()
      if (this.#replies.size === 0) this.#rest()
      done()
    })
    this.#replies.set(id, reply)
    this.#watchOver()
    this.#send(request, id).catch(() => this.#break('broke'))
    const opened = await reply.opened
    // It may have been asked without them: what it says of the session is not of the account.
    if (!this.#options.hasCookies()) {
      this.isOver = true
      reply.close()
      throw new UpstreamError('reset', { message: 'The browser lost its cookies before the answer began.' })
    }
    if (reply.isRedirect && redirect) await redirect.found(reply)
    // A challenge is for the page, not for the request: the next navigation may pass it.
    if (reply.headers['cf-mitigated'] === 'challenge') this.isOver = true
    return opened
  }

  async #send({ method, url, headers, body }: ReplyRequest, id: number): Promise<void> {
    const { exceptionDetails } = await this.#session.send('Runtime.callFunctionOn', {
      functionDeclaration: '(request) => globalThis.genspark2api.open(request)',
      executionContextId: this.#world,
      arguments: [
        {
          value: {
            id,
            method,
            url: url.href,
            headers: pageHeaders(headers),
            ...(typeof body === 'string' && { body }),
            ...(body instanceof Uint8Array && { base64: Buffer.from(body).toString('base64') }),
          },
        },
      ],
    })
    if (exceptionDetails) throw new Error(exceptionDetails.text)
  }

  acknowledge(id: number, bytes: number): void {
    this.#tell(`globalThis.genspark2api.acknowledge(${id}, ${bytes})`)
  }

  abort(id: number): void {
    this.#tell(`globalThis.genspark2api.abort(${id})`)
  }

  async close(): Promise<void> {
    this.#break('was closed')
    await settles(this.#page.close(), this.#options.closeMs)
  }

  #tell(expression: string): void {
    if (!this.#broken) this.#call(expression).catch(() => this.#break('broke'))
  }

  async #call(expression: string): Promise<void> {
    const { exceptionDetails } = await this.#session.send('Runtime.evaluate', {
      expression,
      contextId: this.#world,
    })
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text)
  }

  /** Lines of `<type><id> <payload>`. */
  #receive(payload: string): void {
    this.#heardAt = performance.now()
    for (const line of payload.split('\n')) {
      const space = line.indexOf(' ')
      this.#replies.get(Number(line.slice(1, space)))?.take(line[0] ?? '', line.slice(space + 1))
    }
  }

  /** Where a redirect leads is hidden from the script that asks; the browser's own event tells. */
  #watchRedirect(url: URL) {
    const { promise, resolve } = Promise.withResolvers<Response | undefined>()
    const note = (response: Response) => {
      const status = response.status()
      if (status >= 300 && status <= 399 && response.url() === url.href) resolve(response)
    }
    this.#page.on('response', note)
    return {
      stop: () => {
        this.#page.off('response', note)
      },
      found: async (reply: PageReply) => {
        const timer = setTimeout(resolve, this.#options.closeMs, undefined)
        const response = await promise
        clearTimeout(timer)
        this.#page.off('response', note)
        if (!response) return
        reply.status = response.status()
        reply.headers = response.headers()
      },
    }
  }

  /** The site moved the page on, perhaps to its login. */
  #leave(): void {
    this.#break('moved on to another')
  }

  #break(how: string): void {
    if (this.#broken) return
    this.#broken = true
    this.isOver = true
    clearInterval(this.#watch)
    const message = `The browser's page ${how} before the answer was whole.`
    for (const reply of [...this.#replies.values()]) reply.fail(new UpstreamError('reset', { message }))
    if (!this.#page.isClosed()) this.#page.close().catch(() => {})
  }

  #rest(): void {
    clearInterval(this.#watch)
    this.#watch = undefined
    if (this.isOver && !this.#broken) void this.close()
  }

  #watchOver(): void {
    if (this.#watch) return
    const { silenceMs, answerMs, onSilent } = this.#options
    this.#heardAt = performance.now()
    let asking = false
    this.#watch = setInterval(async () => {
      if (asking || performance.now() - this.#heardAt < silenceMs) return
      asking = true
      onSilent()
      const isAlive = await settles(this.#session.send('Runtime.evaluate', { expression: '0' }), answerMs)
      asking = false
      if (isAlive || this.#broken) return
      this.#break('stopped answering')
    }, silenceMs).unref()
  }
}

/** The browser writes these itself (WIRE 2.6). */
const browserHeaders =
  /^(?:cookie|origin|referer|user-agent|host|connection|content-length|accept-encoding|sec-.*)$/i

const pageHeaders = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !browserHeaders.test(name)))

/** What a page may leave unacknowledged is acknowledged in steps of so many bytes. */
const acknowledgeBytes = windowBytes / 4

class PageReply implements Reply {
  status = 0
  headers: IncomingHttpHeaders = {}
  isRedirect = false
  readonly #id: number
  readonly #line: PageLine
  readonly #signal: AbortSignal
  readonly #done: () => void
  readonly #opened = Promise.withResolvers<Reply>()
  #waiting: Uint8Array[] = []
  #unacknowledged = 0
  /** No more bytes will come: all are here, it failed, or it was closed. */
  #isOver = false
  #failure: { readonly error: unknown } | undefined
  #wake: (() => void) | undefined

  constructor(id: number, line: PageLine, signal: AbortSignal, done: () => void) {
    this.#id = id
    this.#line = line
    this.#signal = signal
    this.#done = done
    signal.addEventListener('abort', this.#abort, { once: true })
  }

  get opened(): Promise<Reply> {
    return this.#opened.promise
  }

  take(type: string, payload: string): void {
    switch (type) {
      case 'h': {
        const { status, headers } = JSON.parse(payload) as Head
        this.status = status
        this.headers = headers
        this.isRedirect = status === 0
        this.#opened.resolve(this)
        return
      }
      case 'd':
        this.#waiting.push(Buffer.from(payload, 'base64'))
        this.#wake?.()
        return
      case 'e':
        this.#end()
        return
      default:
        this.fail(
          new UpstreamError('reset', {
            message: `The page's request broke before the answer was whole (${payload}).`,
          }),
        )
    }
  }

  async read(): Promise<Uint8Array | undefined> {
    if (this.#waiting.length === 0 && !this.#isOver) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    const reads = this.#waiting
    const [first] = reads
    if (first) {
      this.#waiting = []
      const bytes = reads.length === 1 ? first : Buffer.concat(reads)
      this.#unacknowledged += bytes.length
      if (this.#unacknowledged >= acknowledgeBytes && !this.#isOver) {
        this.#line.acknowledge(this.#id, this.#unacknowledged)
        this.#unacknowledged = 0
      }
      return bytes
    }
    if (this.#failure) throw this.#failure.error
    return undefined
  }

  close(): void {
    this.#waiting = []
    if (this.#isOver) return
    this.#end()
    this.#line.abort(this.#id)
  }

  fail(error: unknown): void {
    if (this.#isOver) return
    this.#failure = { error }
    this.#opened.reject(error)
    this.#end()
  }

  readonly #abort = (): void => {
    this.#waiting = []
    if (this.#isOver) return
    this.fail(this.#signal.reason)
    this.#line.abort(this.#id)
  }

  #end(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#signal.removeEventListener('abort', this.#abort)
    this.#wake?.()
    this.#done()
  }
}

interface Head {
  /** 0: a redirect, whose status and place the script is not told. */
  readonly status: number
  readonly headers: Record<string, string>
}

// What follows runs inside the page: it sees nothing of this module, only its argument and the page's globals.

interface AgentRequest {
  readonly id: number
  readonly method: string
  readonly url: string
  readonly headers: Record<string, string>
  readonly body?: string
  readonly base64?: string
}

/** Makes requests and sends what comes of them through the binding. */
export function installAgent(input: {
  bindingName: string
  windowBytes: number
  joinMs: number
  joinLength: number
}): void {
  const world = globalThis as unknown as Record<string, unknown>
  const post = world[input.bindingName] as (text: string) => void
  const open = new Map<number, { controller: AbortController; unread: number; wake: () => void }>()
  let lines: string[] = []
  let waitingLength = 0
  let flushedAt = 0
  let isWaiting = false
  let timer: ReturnType<typeof setTimeout> | undefined

  function flush(): void {
    clearTimeout(timer)
    isWaiting = false
    flushedAt = performance.now()
    post(lines.join('\n'))
    lines = []
    waitingLength = 0
  }

  /** At once when it is urgent, much, or after a pause, else with what comes within the next few milliseconds. */
  function say(line: string, isUrgent = false): void {
    lines.push(line)
    waitingLength += line.length
    if (isUrgent || waitingLength >= input.joinLength) return flush()
    if (isWaiting) return
    const waitMs = flushedAt + input.joinMs - performance.now()
    if (waitMs <= 0) return flush()
    isWaiting = true
    timer = setTimeout(flush, waitMs)
  }

  function encode(bytes: Uint8Array): string {
    const withBase64 = bytes as Uint8Array & { toBase64?: () => string }
    if (withBase64.toBase64) return withBase64.toBase64()
    let text = ''
    for (let at = 0; at < bytes.length; at += 8192)
      text += String.fromCharCode(...bytes.subarray(at, at + 8192))
    return btoa(text)
  }

  /** A browser whose replies are no byte streams, an older one, chooses the size of its pieces itself. */
  function openReader(body: ReadableStream<Uint8Array<ArrayBuffer>> | null) {
    if (!body) return undefined
    try {
      const reader = body.getReader({ mode: 'byob' })
      return (into: Uint8Array<ArrayBuffer>) => reader.read(into)
    } catch {
      const reader = body.getReader()
      return () => reader.read()
    }
  }

  async function send({ id, method, url, headers, body, base64 }: AgentRequest): Promise<void> {
    const controller = new AbortController()
    const stream = { controller, unread: 0, wake: () => {} }
    open.set(id, stream)
    try {
      const response = await fetch(url, {
        method,
        headers,
        body:
          base64 === undefined ? (body ?? null) : Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)),
        credentials: 'include',
        redirect: 'manual',
        cache: method === 'GET' ? 'no-store' : 'default',
        signal: controller.signal,
      })
      const fields = Object.fromEntries(response.headers)
      // The browser has undone it.
      if (fields['content-encoding'] !== undefined) {
        delete fields['content-encoding']
        delete fields['content-length']
      }
      say(`h${id} ${JSON.stringify({ status: response.status, headers: fields })}`)
      // No more is read at once than the window has room for, so that nothing waits here either.
      const read = openReader(response.body)
      let buffer = new ArrayBuffer(32 * 1024)
      let isFirst = true
      while (read) {
        while (stream.unread >= input.windowBytes) {
          await new Promise<void>((resolve) => {
            stream.wake = resolve
          })
          controller.signal.throwIfAborted()
        }
        const room = Math.min(buffer.byteLength, input.windowBytes - stream.unread)
        const { done, value } = await read(new Uint8Array(buffer, 0, room))
        if (done || !value) break
        stream.unread += value.byteLength
        say(`d${id} ${encode(value)}`, isFirst)
        isFirst = false
        buffer = value.buffer as ArrayBuffer
      }
      say(`e${id} `)
    } catch (error) {
      if (!controller.signal.aborted) say(`f${id} ${String(error).replaceAll('\n', ' ')}`)
    } finally {
      open.delete(id)
    }
  }

  world.genspark2api = {
    open(request: AgentRequest) {
      void send(request)
    },
    acknowledge(id: number, bytes: number) {
      const stream = open.get(id)
      if (!stream) return
      stream.unread -= bytes
      stream.wake()
    },
    abort(id: number) {
      const stream = open.get(id)
      stream?.controller.abort()
      stream?.wake()
    },
  }
}
