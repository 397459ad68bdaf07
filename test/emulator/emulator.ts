// The double of the site for tests and for trying out by hand: both chat routes, the account routes and the pages that
// make tokens, built from UPSTREAM alone. Touches no file of `src` but `core`; every answer is canned.

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { AskRecord, RequestRecord } from './ask-record.ts'
import { createChanges } from './changes.ts'
import { createProjects, type Project } from './projects.ts'
import { createRecaptchaDouble, type RecaptchaDouble } from './recaptcha/recaptcha-double.ts'
import { createRequestHandler } from './request-handler.ts'
import type { Script } from './scenario.ts'

export interface EmulatorOptions {
  /** Default: a free one. */
  readonly port?: number
  /** `off`: every ask is answered by the model that it names. Default: `valid`. */
  readonly tokenCheck?: 'off' | 'valid'
  readonly routes?: Partial<Routes>
  /** Session ids that are signed out from the start. */
  readonly signedOut?: readonly string[]
  readonly answer?: Script
  /** HTTP 429 for the ask that makes more than this many open at once for a session (UPSTREAM A7). Default: no limit. */
  readonly maxOpenAsks?: number
}

/** Which chat routes exist; one that does not answers `goneStatus`. */
export interface Routes {
  copilot: boolean
  agent: boolean
}

/** What becomes of an ask that continues a project it may not: a stream without content, HTTP 500, or an answer. */
export type ProjectRefusal = 'empty' | 'error' | 'accept'

export interface Emulator {
  readonly url: string
  /** How the next asks are answered: one scenario for all, or a function of the ask. Without one: the echo answer. */
  answerWith(script: Script | undefined): void
  routes: Routes
  /** Status of a route that is switched off. Default: 404. */
  goneStatus: number
  /** Default: `foreign` empty, `unknown` error, `resentHistory` (gen 2, A15) empty. */
  readonly projectRefusal: Record<'foreign' | 'unknown' | 'resentHistory', ProjectRefusal>
  signOut(sessionId: string): void
  signIn(sessionId: string): void
  /** Every ask that was understood, in order. */
  readonly asks: readonly AskRecord[]
  /** Everything else that it was asked, refused asks included. */
  readonly requests: readonly RequestRecord[]
  openAsks(): number
  /** Resolves when the predicate holds; it is tried at every change. @throws after `timeoutMs` (default 10 s) */
  until(predicate: () => boolean, timeoutMs?: number): Promise<void>
  /** Requests that UPSTREAM does not allow, in words. */
  readonly violations: readonly string[]
  readonly recaptcha: RecaptchaDouble
  readonly projects: ReadonlyMap<string, Project>
  deleteProject(id: string): void
  /** Ends every open answer and connection. */
  close(): Promise<void>
}

export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const changes = createChanges()
  const projects = createProjects()
  const site: Site = {
    script: options.answer,
    tokenCheck: options.tokenCheck ?? 'valid',
    maxOpenAsks: options.maxOpenAsks ?? Number.POSITIVE_INFINITY,
    routes: { copilot: true, agent: true, ...options.routes },
    goneStatus: 404,
    projectRefusal: { foreign: 'empty', unknown: 'error', resentHistory: 'empty' },
    signedOut: new Set(options.signedOut),
    asks: [],
    requests: [],
    violations: [],
    projects,
    recaptcha: createRecaptchaDouble(),
    changed: changes.notify,
  }
  const server = createServer({ noDelay: true, requestTimeout: 0 }, createRequestHandler(site))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo

  return {
    url: `http://127.0.0.1:${port}`,
    answerWith(script) {
      site.script = script
    },
    get routes() {
      return site.routes
    },
    set routes(routes) {
      site.routes = routes
    },
    get goneStatus() {
      return site.goneStatus
    },
    set goneStatus(status) {
      site.goneStatus = status
    },
    projectRefusal: site.projectRefusal,
    signOut: (sessionId) => void site.signedOut.add(sessionId),
    signIn: (sessionId) => void site.signedOut.delete(sessionId),
    asks: site.asks,
    requests: site.requests,
    openAsks: () => openAsks(site),
    until: changes.until,
    violations: site.violations,
    recaptcha: site.recaptcha,
    projects: projects.byId,
    deleteProject: projects.delete,
    async close() {
      changes.close()
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}

/** What all routes of one emulator share. */
export interface Site {
  script: Script | undefined
  readonly tokenCheck: 'off' | 'valid'
  readonly maxOpenAsks: number
  routes: Routes
  goneStatus: number
  readonly projectRefusal: Emulator['projectRefusal']
  readonly signedOut: Set<string>
  readonly asks: AskRecord[]
  readonly requests: RequestRecord[]
  readonly violations: string[]
  readonly projects: ReturnType<typeof createProjects>
  readonly recaptcha: RecaptchaDouble
  /** Lets every `until` look again. */
  readonly changed: () => void
}

export const openAsks = (site: Site, sessionId?: string): number =>
  site.asks.filter((ask) => ask.ended === undefined && (sessionId ?? ask.sessionId) === ask.sessionId).length
