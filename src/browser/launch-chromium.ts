import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { access, constants, rm } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { Browser, BrowserServer, CDPSession } from 'playwright'
import { settles } from './abortable.ts'
import { type OpenProxy, openBrowserProxy } from './browser-proxy.ts'
import { homePrefix } from './sweep-homes.ts'
import { tokenUnavailable } from './token-source.ts'
import { startXServer, type XServer } from './x-server.ts'

/** A browser to open contexts in: launched here, or one of the operator's own that is attached to. */
export interface Chromium {
  readonly browser: Browser
  /** Its program and version, for the operator. */
  readonly name: string
  /** Undefined: it is not ours, and may run anywhere. */
  readonly pid: number | undefined
  /** Resolves once the process has ended, by whatever cause, and its files are removed; where it is not ours, once it is left. */
  readonly ended: Promise<void>
  uptimeMs(): number
  /** Does the browser process answer? A frozen or dead one does not. */
  answers(withinMs: number): Promise<boolean>
  /** Watches the process that holds the cookies and connections of all contexts. When it dies, Chromium puts another with empty jars
   *  in its place, and pages live on without a word.
   *  @returns whether it is still the same; cheap */
  watchNetwork(): Promise<() => boolean>
  /** The proxy of a context, to be closed with it; undefined: the context needs none of its own.
   *  @param own  the account's, which wins over PROXY_URL
   *  @throws {UnavailableError} `token_unavailable` when this browser cannot use it */
  openProxy(
    own: { readonly url: string; readonly source: string } | undefined,
  ): Promise<OpenProxy | undefined>
  /** SIGKILL of the process group that was launched; one that is not ours is left. */
  kill(): Promise<void>
  /** Lets it end by itself, so that it reaps its own helpers; kills it when it takes long. One that is not ours is left. */
  close(): Promise<void>
}

export interface LaunchOptions {
  readonly executable: string | undefined
  readonly sandbox: boolean
  readonly proxyUrl: string | undefined
  /** With a window: on `display`, else on a display in memory. */
  readonly headed: boolean
  readonly display?: string | undefined
  readonly xAuthority?: string | undefined
  readonly furtherArguments?: readonly string[] | undefined
  readonly timeoutMs: number
}

/** How long a Chromium may take to end by itself. */
const closeMs = 1_000

/** Launches one Chromium with a home of its own, and nothing of our environment in it.
 *  @throws {UnavailableError} `token_unavailable` when there is no Chromium or it cannot use the proxy; else Playwright's
 *  error */
export async function launchChromium(options: LaunchOptions): Promise<Chromium> {
  const { proxyUrl, headed } = options
  const { chromium } = await import('playwright')
  const executablePath = options.executable ?? (await findChromium(chromium.executablePath()))
  if (!executablePath) {
    throw tokenUnavailable('no Chromium was found: install chromium or set BROWSER_EXECUTABLE', {
      retryable: false,
    })
  }
  const home = makeChromiumHome()
  let server: BrowserServer | undefined
  let xServer: XServer | undefined
  let proxy: OpenProxy | undefined
  const release = async () => {
    proxy?.close()
    await xServer?.close()
    await home.remove()
  }
  try {
    if (proxyUrl !== undefined) proxy = await openBrowserProxy(proxyUrl, 'PROXY_URL')
    const environment = homeEnvironment(home.path)
    if (headed && process.platform === 'linux' && !options.display)
      xServer = await startXServer(home.path, environment)
    server = await chromium.launchServer({
      executablePath,
      args: [...chromiumArguments, ...(options.furtherArguments ?? [])],
      headless: !headed,
      env: { ...environment, ...(headed && (xServer?.environment ?? displayOf(options))) },
      artifactsDir: home.path,
      chromiumSandbox: options.sandbox,
      timeout: options.timeoutMs,
      host: '127.0.0.1',
      handleSIGINT: false,
      handleSIGTERM: false,
      handleSIGHUP: false,
      ...(proxy && { proxy: proxy.proxy }),
    })
    const browser = await chromium.connect(server.wsEndpoint(), { timeout: options.timeoutMs })
    return await attend(server, browser, basename(executablePath), release)
  } catch (error) {
    await server?.kill()
    await release()
    throw error
  }
}

async function attend(
  server: BrowserServer,
  browser: Browser,
  program: string,
  release: () => Promise<void>,
): Promise<Chromium> {
  const pid = server.process().pid as number
  const startedAt = performance.now()
  // An exit that waits for nothing: the process goes before its home. Playwright removes its own files.
  const killOnExit = () => killGroup(pid)
  process.prependOnceListener('exit', killOnExit)
  const ended = new Promise<void>((resolve) => server.once('close', () => resolve())).then(async () => {
    killGroup(pid)
    process.off('exit', killOnExit)
    await release()
  })
  const session = await browser.newBrowserCDPSession()
  return {
    browser,
    name: `${program} ${browser.version()}`,
    pid,
    ended,
    uptimeMs: () => performance.now() - startedAt,
    answers: (withinMs) => answersWithin(session.send('Browser.getVersion'), withinMs),
    async watchNetwork() {
      const network = await findNetworkProcess(session)
      return () => network === undefined || runs(network)
    },
    // Without one of its own, a context takes the proxy that Chromium was launched with.
    openProxy: async (own) => own && openBrowserProxy(own.url, own.source),
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

/** Whether `answer` comes within the time; a failure is none. Time in which this process stood still itself is no evidence: it is
 *  counted in steps, and a longer pause counts as one. */
export async function answersWithin(answer: Promise<unknown>, withinMs: number): Promise<boolean> {
  const good = answer.then(
    () => true,
    () => false,
  )
  for (let steps = Math.ceil(withinMs / stepMs); steps > 0; steps -= 1) {
    if (await settles(good, stepMs)) return good
  }
  return false
}

const stepMs = 250

/** @returns undefined where the browser has no such process, or does not tell */
export async function findNetworkProcess(session: CDPSession): Promise<number | undefined> {
  const told = await session.send('SystemInfo.getProcessInfo').catch(() => undefined)
  return told?.processInfo.find(({ type }) => type === 'network.mojom.NetworkService')?.id
}

/** One that has ended and was not reaped yet runs no more. */
function runs(pid: number): boolean {
  try {
    if (process.platform === 'linux') readlinkSync(`/proc/${pid}/exe`)
    else process.kill(pid, 0)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code !== 'ENOENT' && code !== 'ESRCH'
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

/** Processor time that the processes of a group have spent; those that ended do not count. 0 where the system does not tell. */
export function processorMs(group: number): number {
  if (process.platform !== 'linux') return 0
  let ticks = 0
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      if (Number(fields[2]) === group) ticks += Number(fields[11]) + Number(fields[12])
    } catch {
      // It has just ended.
    }
  }
  return ticks * 10
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
  // Of this process: the page tells the site the same zone as the header of the API.
  TZ: Intl.DateTimeFormat().resolvedOptions().timeZone,
})

function displayOf({ display, xAuthority }: LaunchOptions): Record<string, string> {
  // Where a user's programs look for it, when they are not told: Chromium has another home.
  const authority = xAuthority ?? join(homedir(), '.Xauthority')
  return display ? { DISPLAY: display, XAUTHORITY: authority } : {}
}

/** Why Chromium did not start, for the operator: what it said itself, else what Playwright says; no argument of its command line. */
export function describeLaunchFailure(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  const said = Array.from(message.matchAll(/^\[pid=\d+\]\[err\] (.+)$/gm), ([, line = '']) => line.trim())
  const telling =
    said.find((line) => /error while loading|FATAL|No usable|cannot|Missing|unable/i.test(line)) ??
    said.at(-1)
  const exit = /exitCode=(\d+)/.exec(message)?.[1]
  const signal = /exitCode=null, signal=(\w+)/.exec(message)?.[1]
  const end = exit ? `it ended with exit code ${exit}` : signal ? `it was ended by ${signal}` : undefined
  const told = [telling?.slice(0, maxReasonLength), end].filter((part) => part !== undefined)
  return told.length > 0 ? told.join('; ') : (message.split('\n', 1)[0] ?? '')
}

const maxReasonLength = 300

/** Would the next try fail the same way? A program that is not there or cannot be loaded does not come by itself; a crash may pass. */
export const isLastingFailure = (error: unknown): boolean =>
  error instanceof Error &&
  (('retryable' in error && error.retryable === false) ||
    /doesn't exist|ENOENT|EACCES|ENOEXEC|error while loading shared libraries|exitCode=12[67]|Missing X server/.test(
      error.message,
    ))

/** A folder of its own for one Chromium, for everything that it writes. */
interface ChromiumHome {
  readonly path: string
  remove(): Promise<void>
}

/** Makes a home that is gone with the process at the latest, also when that exits in the middle of a launch. */
function makeChromiumHome(): ChromiumHome {
  // Without a pause between the making and the promise to remove it.
  const path = mkdtempSync(join(tmpdir(), homePrefix))
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
  'chromium-headless-shell',
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
