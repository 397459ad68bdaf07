import { mkdtempSync, rmSync } from 'node:fs'
import { access, constants, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, BrowserServer } from 'playwright'
import { settles } from './abortable.ts'
import { tokenUnavailable } from './token-source.ts'

export interface Chromium {
  readonly browser: Browser
  readonly pid: number
  /** Resolves once the process has ended, by whatever cause, and its files are removed. */
  readonly ended: Promise<void>
  uptimeMs(): number
  /** Does the browser process answer? A frozen or dead one does not. */
  answers(withinMs: number): Promise<boolean>
  /** SIGKILL of the process group that was launched. */
  kill(): Promise<void>
  /** Lets it end by itself, so that it reaps its own helpers; kills it when it takes long. */
  close(): Promise<void>
}

export interface LaunchOptions {
  readonly executable: string | undefined
  readonly sandbox: boolean
  readonly proxyUrl: string | undefined
  readonly furtherArguments?: readonly string[] | undefined
  readonly timeoutMs: number
}

/** How long a Chromium may take to end by itself. */
const closeMs = 1_000

/** Launches one Chromium with a home of its own, and nothing of our environment in it.
 *  @throws {UnavailableError} `token_unavailable` when there is no Chromium or it cannot use the proxy; else Playwright's
 *  error */
export async function launchChromium(options: LaunchOptions): Promise<Chromium> {
  const { proxyUrl } = options
  const proxy = proxyUrl === undefined ? {} : { proxy: parseBrowserProxy(proxyUrl, 'PROXY_URL') }
  const { chromium } = await import('playwright')
  const executablePath = options.executable ?? (await findChromium(chromium.executablePath()))
  if (!executablePath) {
    throw tokenUnavailable('no Chromium was found: install chromium or set BROWSER_EXECUTABLE', {
      retryable: false,
    })
  }
  const home = makeChromiumHome()
  let server: BrowserServer | undefined
  try {
    server = await chromium.launchServer({
      executablePath,
      args: [...chromiumArguments, ...(options.furtherArguments ?? [])],
      env: homeEnvironment(home.path),
      artifactsDir: home.path,
      chromiumSandbox: options.sandbox,
      timeout: options.timeoutMs,
      host: '127.0.0.1',
      handleSIGINT: false,
      handleSIGTERM: false,
      handleSIGHUP: false,
      ...proxy,
    })
    const browser = await chromium.connect(server.wsEndpoint(), { timeout: options.timeoutMs })
    return await attend(server, browser, home)
  } catch (error) {
    await server?.kill()
    await home.remove()
    throw error
  }
}

async function attend(server: BrowserServer, browser: Browser, home: ChromiumHome): Promise<Chromium> {
  const pid = server.process().pid as number
  const startedAt = performance.now()
  // An exit that waits for nothing: the process goes before its home. Playwright removes its own files.
  const killOnExit = () => killGroup(pid)
  process.prependOnceListener('exit', killOnExit)
  const ended = new Promise<void>((resolve) => server.once('close', () => resolve())).then(async () => {
    killGroup(pid)
    process.off('exit', killOnExit)
    await home.remove()
  })
  const session = await browser.newBrowserCDPSession()
  return {
    browser,
    pid,
    ended,
    uptimeMs: () => performance.now() - startedAt,
    async answers(withinMs) {
      const answer = session.send('Browser.getVersion').then(
        () => true,
        () => false,
      )
      return (await settles(answer, withinMs)) && answer
    },
    kill,
    async close() {
      if (!(await settles(server.close(), closeMs))) await kill()
      await ended
    },
  }

  async function kill(): Promise<void> {
    killGroup(pid)
    await server.kill()
    await ended
  }
}

/** The process leads its own group; helpers that outlived it are in it. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // nothing is left of it
  }
}

/** Nothing that is not needed for a page; no disguise of any kind. */
const chromiumArguments = [
  '--blink-settings=imagesEnabled=false',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-quic',
  '--disable-sync',
  '--no-first-run',
]

/** Everything that Chromium writes lands in `home`; our own environment holds secrets and stays here. */
const homeEnvironment = (home: string): Record<string, string> => ({
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: home,
  TMPDIR: home,
  XDG_CONFIG_HOME: join(home, 'config'),
  XDG_CACHE_HOME: join(home, 'cache'),
  XDG_RUNTIME_DIR: home,
})

/** A proxy as Playwright takes it. */
interface BrowserProxy {
  readonly server: string
  readonly username?: string
  readonly password?: string
}

/** @param source  where the URL stands, for the operator: `PROXY_URL`
 *  @throws {UnavailableError} `token_unavailable` for a SOCKS proxy with a password: Chromium cannot sign in to one */
export function parseBrowserProxy(proxyUrl: string, source: string): BrowserProxy {
  const url = new URL(proxyUrl)
  const isSocks = url.protocol.startsWith('socks')
  // Chromium has a SOCKS proxy resolve names anyway and does not know the name `socks5h`.
  const server = `${isSocks ? 'socks5:' : url.protocol}//${url.host}`
  if (!url.username && !url.password) return { server }
  if (isSocks) {
    throw tokenUnavailable(
      `Chromium cannot sign in to the SOCKS proxy of ${source}: use one without password, an http proxy, or RECAPTCHA_PROXY_URL`,
      { retryable: false },
    )
  }
  return { server, username: decodeURIComponent(url.username), password: decodeURIComponent(url.password) }
}

/** A folder of its own for one Chromium, for everything that it writes. */
interface ChromiumHome {
  readonly path: string
  remove(): Promise<void>
}

/** Makes a home that is gone with the process at the latest, also when that exits in the middle of a launch. */
function makeChromiumHome(): ChromiumHome {
  // Without a pause between the making and the promise to remove it.
  const path = mkdtempSync(join(tmpdir(), 'genspark2api-chromium-'))
  const removeOnExit = () => rmSync(path, removal)
  process.once('exit', removeOnExit)
  return {
    path,
    async remove() {
      await rm(path, removal)
      process.off('exit', removeOnExit)
    },
  }
}

/** A Chromium that is just being killed may still write. */
const removal = { recursive: true, force: true, maxRetries: 5 }

/** Looks for an installed Chromium, in order of preference.
 *  @param bundled  where Playwright would keep its own; it may not be there
 *  @returns undefined when there is none */
export async function findChromium(bundled: string): Promise<string | undefined> {
  for (const path of [bundled, ...usualPaths]) {
    if (await isExecutable(path)) return path
  }
  return undefined
}

const names = [
  'chromium',
  'chromium-browser',
  'google-chrome-stable',
  'google-chrome',
  'chrome',
  'microsoft-edge',
]
const folders = [
  '/usr/bin',
  '/usr/local/bin',
  '/usr/lib/chromium',
  '/snap/bin',
  '/opt/google/chrome',
  '/opt/homebrew/bin',
]

const usualPaths = [
  ...names.flatMap((name) => folders.map((folder) => `${folder}/${name}`)),
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:/Program Files/Google/Chrome/Application/chrome.exe',
  'C:/Program Files (x86)/Microsoft/Edge/Application/msedge.exe',
]

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    return path !== ''
  } catch {
    return false
  }
}
