import type { BrowserContext, CDPSession, Page, Request, Response } from 'playwright'
import { UpstreamError } from '../core/errors.ts'
import { blockHeavyFiles } from './block-heavy-files.ts'
import type { RecaptchaForm, RecaptchaSite } from './recaptcha-site.ts'
import { isChallenge } from './request-page.ts'
import { firstLine, tokenUnavailable } from './token-source.ts'

/** One page of the site in one account's context, with grecaptcha in it. */
export interface TokenPage {
  /** Mints one token; many may be minted at once.
   *  @throws {UnavailableError} `token_unavailable` for what the site did; Playwright's error when the page broke */
  mint(): Promise<string>
  /** Ends what runs in it, a script that loops for ever too. Never rejects. */
  close(): Promise<void>
}

export interface TokenPageOptions {
  readonly site: RecaptchaSite
  /** How long the page may take to add the script by itself, and a script to define grecaptcha. */
  readonly graceMs: number
  readonly scriptMs: number
  /** Of a browser that was launched pictures are off as a whole; of one that we attached to, for this page. */
  readonly withoutPictures: boolean
  /** Told what the page is doing, for the message of a missed deadline. */
  readonly doing: (what: string) => void
  readonly onCrash: () => void
}

export async function openTokenPage(context: BrowserContext, options: TokenPageOptions): Promise<TokenPage> {
  const { site, doing } = options
  doing('a browser page was opening')
  const page = await context.newPage()
  page.once('crash', options.onCrash)
  const session = await context.newCDPSession(page)
  await blockHeavyFiles(session, options.withoutPictures)
  const scripts = watchScripts(page)

  doing(`${site.pageUrl} was loading: check the network and PROXY_URL`)
  const response = await navigate(page, site.pageUrl)
  doing('the page was loading grecaptcha: check the network and PROXY_URL')
  // A challenge page may let the browser through by itself: that takes longer than a late script.
  const graceMs = !response || response.ok() ? options.graceMs : options.scriptMs
  const found =
    (await findOnPage(page, { ...options, graceMs }, scripts.failed)) ??
    (await addToPage(page, options, response))
  const call = { ...found, action: site.action(found.siteKey) }
  const broken = whenBroken(page)
  const expression = `(${executeRecaptcha})(${JSON.stringify(call)})`

  return {
    async mint() {
      doing('grecaptcha.execute was running: check the network and PROXY_URL')
      const result = await Promise.race([evaluate(session, expression), broken])
      if ('failure' in result) throw refused(result.failure, call.siteKey)
      if (typeof result.token === 'string' && tokenForm.test(result.token)) return result.token
      if (typeof result.token === 'string' && result.token !== '')
        throw tokenUnavailable('what grecaptcha gave is no token: check RECAPTCHA_SCRIPT_URL')
      throw tokenUnavailable('grecaptcha gave an empty token: check RECAPTCHA_SITE_KEY and RECAPTCHA_ACTION')
    },
    close: () => page.close().catch(() => {}),
  }
}

/** What may stand in a request; Google's have some 2,000 letters, digits, `-` and `_`. */
const tokenForm = /^[\x21-\x7e]{1,16384}$/

/** Rejects when the page crashes or closes: the browser's protocol leaves what it was asked unanswered then. */
function whenBroken(page: Page): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>()
  promise.catch(() => {})
  page.once('crash', () => reject(new Error('the page crashed')))
  page.once('close', () => reject(new Error('the page was closed')))
  return promise
}

/** Straight to the browser's own protocol: half the time and processor time of `page.evaluate`, which every request would pay. */
async function evaluate(session: CDPSession, expression: string): Promise<Minted> {
  const { result, exceptionDetails } = await session.send('Runtime.evaluate', {
    expression,
    awaitPromise: true,
    returnByValue: true,
  })
  if (exceptionDetails)
    throw new Error((exceptionDetails.exception?.description ?? exceptionDetails.text).slice(0, maxWords))
  return result.value
}

/** `failed` resolves when a script of Google's could not be had. */
function watchScripts(page: Page): { failed: Promise<undefined> } {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  page.on('requestfailed', (request: Request) => {
    if (request.resourceType() === 'script' && request.url().includes('/recaptcha/')) resolve(undefined)
  })
  return { failed: promise }
}

async function navigate(page: Page, url: string): Promise<Response | null> {
  try {
    // The scripts run on; only what grecaptcha needs is waited for.
    return await page.goto(url, { waitUntil: 'commit', timeout: 0 })
  } catch (error) {
    const netError = /net::ERR_\w+/.exec(firstLine(error))?.[0]
    if (!netError || netError === 'net::ERR_ABORTED') throw error
    throw tokenUnavailable(`${url} could not be opened (${netError}): check the network and PROXY_URL`, {
      cause: error,
    })
  }
}

async function findOnPage(
  page: Page,
  { site, graceMs, scriptMs }: TokenPageOptions,
  scriptFailed: Promise<undefined>,
): Promise<FoundRecaptcha | undefined> {
  const search = untilSettled(page, () =>
    page.evaluate(findRecaptcha, { wantedKey: site.wantedKey, graceMs, scriptMs }),
  )
  search.catch(() => {})
  return Promise.race([search, scriptFailed])
}

/** A page that moves on by itself (a redirect, a challenge that it passed) throws the search away: it begins again. */
async function untilSettled<T>(page: Page, search: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await search()
    } catch (error) {
      if (page.isClosed() || !/context was destroyed|navigation/i.test(firstLine(error))) throw error
    }
  }
}

async function addToPage(
  page: Page,
  { site, scriptMs, doing }: TokenPageOptions,
  response: Response | null,
): Promise<FoundRecaptcha> {
  if (response && !response.ok()) {
    if (await isChallenge(page, response)) throw challenged(site.pageUrl)
    const status = response.status()
    throw tokenUnavailable(`${site.pageUrl} answered HTTP ${status}: check PROXY_URL and GENSPARK_BASE_URL`, {
      ...(status >= 500 && { retryAfterMs: outageMs }),
    })
  }
  const siteKey = site.fallbackKey
  const url = site.scriptUrl(siteKey)
  doing(`${url} was loading: check the network and PROXY_URL`)
  if (!(await page.evaluate(addScript, url))) {
    throw tokenUnavailable(
      `${url} could not be loaded: check the network, PROXY_URL and RECAPTCHA_SCRIPT_URL`,
    )
  }
  const found = await page.evaluate(findRecaptcha, { wantedKey: siteKey, graceMs: scriptMs, scriptMs })
  if (found) return found
  throw tokenUnavailable(`${url} defined no grecaptcha: check RECAPTCHA_SCRIPT_URL`)
}

const challenged = (pageUrl: string): UpstreamError =>
  new UpstreamError('challenged', {
    message: `Detected Cloudflare Challenge Page. ${pageUrl} challenges the browser that makes the tokens: another address (PROXY_URL) or a browser of your own (BROWSER_ENDPOINT) may pass.`,
  })

/** A site that is down tells nothing of when it is back, and costs little to ask: with the first probe after it, within two seconds of
 *  its return, everybody is served. */
const outageMs = 900

/** A page's words are its own, of any length. */
const maxWords = 200

function refused(words: string, siteKey: string): Error {
  const failure = words.slice(0, maxWords)
  if (/site ?key/i.test(failure)) {
    return tokenUnavailable(`the site key ${siteKey} was refused (${failure}): set RECAPTCHA_SITE_KEY`)
  }
  return tokenUnavailable(`grecaptcha.execute failed (${failure}): check the network and PROXY_URL`)
}

// These functions run inside the page: they see nothing of this module, only their argument and the page's globals.

interface FoundRecaptcha {
  readonly form: RecaptchaForm
  readonly siteKey: string
}

interface Grecaptcha {
  ready(callback: () => void): void
  execute(siteKey: string, options: { action: string }): Promise<string>
}

declare global {
  interface Window {
    grecaptcha?: Partial<Grecaptcha> & { enterprise?: Partial<Grecaptcha> }
  }
}

/** Waits until a script has defined grecaptcha for a key.
 *  @param wantedKey  insist on it; undefined takes the key of the page's own script
 *  @param graceMs  after the document is read: for a script that the page adds late
 *  @param scriptMs  the same for a script that is there and has not run yet */
async function findRecaptcha(input: {
  wantedKey: string | undefined
  graceMs: number
  scriptMs: number
}): Promise<FoundRecaptcha | undefined> {
  let readSince: number | undefined
  for (;;) {
    const keys = [...document.querySelectorAll<HTMLScriptElement>('script[src*="/recaptcha/"]')]
      .map((script) => new URL(script.src).searchParams.get('render'))
      .filter((key) => key && key !== 'explicit' && key !== 'onload')
    const siteKey = input.wantedKey ? keys.find((key) => key === input.wantedKey) : keys[0]
    if (siteKey && window.grecaptcha?.enterprise?.execute) return { form: 'enterprise', siteKey }
    if (siteKey && window.grecaptcha?.execute) return { form: 'v3', siteKey }
    if (document.readyState !== 'loading') readSince ??= performance.now()
    const limitMs = siteKey ? input.scriptMs : input.graceMs
    if (readSince !== undefined && performance.now() - readSince > limitMs) return undefined
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** Adds the script to the page. @returns whether it was loaded */
function addScript(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const script = document.createElement('script')
    script.src = url
    script.async = true
    script.onload = () => resolve(true)
    script.onerror = () => resolve(false)
    document.head.append(script)
  })
}

type Minted = { readonly token: unknown } | { readonly failure: string }

/** Asks grecaptcha for one token. */
async function executeRecaptcha(input: {
  form: RecaptchaForm
  siteKey: string
  action: string
}): Promise<Minted> {
  try {
    const api = (
      input.form === 'enterprise' ? window.grecaptcha?.enterprise : window.grecaptcha
    ) as Grecaptcha
    await new Promise<void>((resolve) => api.ready(resolve))
    return { token: await api.execute(input.siteKey, { action: input.action }) }
  } catch (error) {
    return { failure: error instanceof Error ? error.message : String(error) }
  }
}
