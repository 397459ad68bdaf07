import { join } from 'node:path'
import type { Browser, BrowserServer } from 'playwright'
import { settles } from './abortable.ts'
import { parseBrowserProxy } from './browser-proxy.ts'
import { type ChromiumHome, makeChromiumHome } from './chromium-home.ts'
import { findChromium } from './find-chromium.ts'
import { tokenUnavailable } from './token-unavailable.ts'

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
      args: chromiumArguments,
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
