// The mock of the site for tests and for trying out by hand: both chat routes, the account routes and the pages that
// make tokens, built from docs/WIRE.md alone. Touches no file of `src` but `core`; every answer is canned.

import { selfSigned, selfSignedSpkiHash } from '../support/self-signed.ts'
import type { AskRecord, RequestRecord } from './ask-record.ts'
import { createChanges } from './changes.ts'
import { type Challenge, createEdge } from './edge/edge.ts'
import { listenPlain, listenTls, type TlsOptions } from './listen.ts'
import { createResultFiles, type ResultFile } from './media/result-files.ts'
import { createTasks, type MediaTask } from './media/tasks.ts'
import { createModelLists, type ModelLists } from './model-lists.ts'
import { createProjects, type Project } from './projects.ts'
import type { AccountQuota } from './quotas.ts'
import { createRecaptchaDouble, type RecaptchaDouble } from './recaptcha/recaptcha-double.ts'
import { createRequestHandler } from './request-handler.ts'
import type { Fault } from './route.ts'
import type { Script } from './scenario.ts'
import { createSessions, type RollOptions } from './sessions.ts'
import { openAsks, type ProjectRefusals, type Routes, type Site } from './site.ts'
import { createUploads, type Upload } from './uploads/uploads.ts'
import { createVendorSite, type VendorSite } from './vendor/vendor-site.ts'

export interface EmulatorOptions {
  /** Default: a free one. */
  readonly port?: number
  /** `off`: every ask is answered by the model that it names. Default: `valid`. */
  readonly tokenCheck?: 'off' | 'valid'
  readonly routes?: Partial<Routes>
  /** Session ids that are signed out from the start. */
  readonly signedOut?: readonly string[]
  readonly answer?: Script
  /** HTTP 429 for the ask that makes more than this many open at once for a session (WIRE 5.10 A7). Default: no limit. */
  readonly maxOpenAsks?: number
  /** `true`: HTTP/2 over TLS, as the site has it, beside plain HTTP. */
  readonly tls?: boolean | TlsOptions
  /** Who is challenged at the start. Default: nobody, and the pages' browsers get none of the edge's cookies. */
  readonly challenge?: Challenge
}

export interface Emulator {
  /** With `tls` `https://localhost:PORT`, else `http://127.0.0.1:PORT`. */
  readonly url: string
  /** The same site over plain HTTP. */
  readonly plainUrl: string
  /** Who signs for the site with `tls`: for `NODE_EXTRA_CA_CERTS`, and for Chromium's `--ignore-certificate-errors-spki-list`. */
  readonly certificate: { readonly pem: string; readonly spkiHash: string }
  /** Who is challenged; may be set at any time, answers that have begun go on. Only a page that was opened since the first
   *  setting can pass over plain HTTP. */
  challenge: Challenge
  /** How the next asks are answered: one scenario for all, or a function of the ask. Without one: the echo answer. */
  answerWith(script: Script | undefined): void
  readonly routes: Routes
  readonly projectRefusal: ProjectRefusals
  signOut(sessionId: string): void
  /** @param account  a session id of the person who signs in by this one too. Default: a person of their own */
  signIn(sessionId: string, account?: string): void
  /** Renews a session's cookies by `Set-Cookie` with its next answer; from then on the old session id is a guest's (WIRE 2.3,
   *  5.10 A1). @returns the new session id */
  rollSession(sessionId: string, options?: RollOptions): string
  /** Every ask that was understood, in order. */
  readonly asks: readonly AskRecord[]
  /** Everything else that it was asked, refused asks included. */
  readonly requests: readonly RequestRecord[]
  openAsks(): number
  /** Requests of every kind that have no whole answer yet and whose client has not left. */
  openRequests(): number
  /** Resolves when the predicate holds; it is tried at every change. @throws after `timeoutMs` (default 10 s) */
  until(predicate: () => boolean, timeoutMs?: number): Promise<void>
  /** Requests that WIRE does not allow, in words. */
  readonly violations: readonly string[]
  readonly recaptcha: RecaptchaDouble
  readonly projects: ReadonlyMap<string, Project>
  deleteProject(id: string): void
  /** Every picture and video that was begun, by task id, in order. */
  readonly tasks: ReadonlyMap<string, MediaTask>
  /** The result files, by URL. */
  readonly files: ReadonlyMap<string, ResultFile>
  /** Places for files that were given out, in order, with what was put there. */
  readonly uploads: readonly Upload[]
  /** What is left for an account, by session id; each begins with 100 credits. */
  readonly quotas: Map<string, AccountQuota>
  readonly lists: ModelLists
  /** The surface that takes API keys: how it answers (`script`), what it was asked, which keys are bad or spent. */
  readonly vendor: VendorSite
  /** What a route, a page, a script or an ask is answered in place of its own, by method and path, e.g.
   *  `POST /api/ig_tasks_status`, `GET /agents`, `GET /recaptcha/enterprise.js`. */
  readonly faults: Map<string, Fault>
  /** Ends every open answer and connection. */
  close(): Promise<void>
}

export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const changes = createChanges()
  const projects = createProjects()
  const files = createResultFiles()
  const sessions = createSessions(options.signedOut)
  const requests: RequestRecord[] = []
  const site: Site = {
    script: options.answer,
    tokenCheck: options.tokenCheck ?? 'valid',
    maxOpenAsks: options.maxOpenAsks ?? Number.POSITIVE_INFINITY,
    routes: { copilot: true, agent: true, goneStatus: 404, ...options.routes },
    projectRefusal: { foreign: 'empty', unknown: 'error', resentHistory: 'empty' },
    sessions,
    edge: createEdge({
      challenge: options.challenge,
      onChallenged(request) {
        requests.push(request)
        changes.notify()
      },
    }),
    openRequests: 0,
    asks: [],
    requests,
    violations: [],
    projects,
    recaptcha: createRecaptchaDouble({ identify: sessions.identify }),
    tasks: createTasks(files),
    files,
    uploads: createUploads(),
    quotas: new Map(),
    lists: createModelLists(),
    vendor: createVendorSite(),
    faults: new Map(),
    changed: changes.notify,
  }
  const handle = createRequestHandler(site)
  const { port = 0, tls } = options
  const plain = await listenPlain(tls ? 0 : port, handle)
  const secure = tls ? await listenTls(port, tls === true ? {} : tls, handle) : undefined
  const plainUrl = `http://127.0.0.1:${plain.port}`

  return {
    url: secure ? `https://localhost:${secure.port}` : plainUrl,
    plainUrl,
    certificate: { pem: selfSigned.cert, spkiHash: selfSignedSpkiHash },
    get challenge() {
      return site.edge.challenge
    },
    set challenge(mode) {
      site.edge.challenge = mode
    },
    answerWith(script) {
      site.script = script
    },
    routes: site.routes,
    projectRefusal: site.projectRefusal,
    signOut: sessions.signOut,
    signIn: sessions.signIn,
    rollSession: sessions.roll,
    asks: site.asks,
    requests: site.requests,
    openAsks: () => openAsks(site),
    openRequests: () => site.openRequests,
    until: changes.until,
    violations: site.violations,
    recaptcha: site.recaptcha,
    projects: projects.byId,
    deleteProject: projects.delete,
    tasks: site.tasks.byId,
    files: files.byUrl,
    uploads: site.uploads.all,
    quotas: site.quotas,
    lists: site.lists,
    vendor: site.vendor,
    faults: site.faults,
    async close() {
      changes.close()
      await Promise.all([plain.close(), secure?.close()])
    },
  }
}
