// The double of the site for tests and for trying out by hand: both chat routes, the account routes and the pages that
// make tokens, built from docs/WIRE.md alone. Touches no file of `src` but `core`; every answer is canned.

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { AskRecord, RequestRecord } from './ask-record.ts'
import { createChanges } from './changes.ts'
import { createResultFiles, type ResultFile } from './media/result-files.ts'
import { createTasks, type MediaTask } from './media/tasks.ts'
import { createModelLists, type ModelLists } from './model-lists.ts'
import { createProjects, type Project } from './projects.ts'
import type { AccountQuota } from './quotas.ts'
import { createRecaptchaDouble, type RecaptchaDouble } from './recaptcha/recaptcha-double.ts'
import { createRequestHandler } from './request-handler.ts'
import type { Fault } from './route.ts'
import type { Script } from './scenario.ts'
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
}

export interface Emulator {
  readonly url: string
  /** How the next asks are answered: one scenario for all, or a function of the ask. Without one: the echo answer. */
  answerWith(script: Script | undefined): void
  readonly routes: Routes
  readonly projectRefusal: ProjectRefusals
  signOut(sessionId: string): void
  signIn(sessionId: string): void
  /** Every ask that was understood, in order. */
  readonly asks: readonly AskRecord[]
  /** Everything else that it was asked, refused asks included. */
  readonly requests: readonly RequestRecord[]
  openAsks(): number
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
  /** What a route answers in place of its own, by its method and path, e.g. `POST /api/ig_tasks_status`. */
  readonly faults: Map<string, Fault>
  /** Ends every open answer and connection. */
  close(): Promise<void>
}

export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const changes = createChanges()
  const projects = createProjects()
  const files = createResultFiles()
  const site: Site = {
    script: options.answer,
    tokenCheck: options.tokenCheck ?? 'valid',
    maxOpenAsks: options.maxOpenAsks ?? Number.POSITIVE_INFINITY,
    routes: { copilot: true, agent: true, goneStatus: 404, ...options.routes },
    projectRefusal: { foreign: 'empty', unknown: 'error', resentHistory: 'empty' },
    signedOut: new Set(options.signedOut),
    asks: [],
    requests: [],
    violations: [],
    projects,
    recaptcha: createRecaptchaDouble(),
    tasks: createTasks(files),
    files,
    uploads: createUploads(),
    quotas: new Map(),
    lists: createModelLists(),
    vendor: createVendorSite(),
    faults: new Map(),
    changed: changes.notify,
  }
  const server = createServer(serverOptions, createRequestHandler(site))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port: options.port ?? 0, host: '127.0.0.1', backlog: 4096 }, resolve)
  })
  const { port } = server.address() as AddressInfo

  return {
    url: `http://127.0.0.1:${port}`,
    answerWith(script) {
      site.script = script
    },
    routes: site.routes,
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
    tasks: site.tasks.byId,
    files: files.byUrl,
    uploads: site.uploads.all,
    quotas: site.quotas,
    lists: site.lists,
    vendor: site.vendor,
    faults: site.faults,
    async close() {
      changes.close()
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}

/** Room for long cookies and slow askers, and no race between a client's next ask and the end of its idle connection. */
const serverOptions = {
  noDelay: true,
  requestTimeout: 0,
  keepAliveTimeout: 60_000,
  maxHeaderSize: 128 * 1024,
} as const
