import type { AskRecord, RequestRecord } from './ask-record.ts'
import type { Edge } from './edge/edge.ts'
import type { createResultFiles } from './media/result-files.ts'
import type { createTasks } from './media/tasks.ts'
import type { ModelLists } from './model-lists.ts'
import type { createProjects } from './projects.ts'
import type { AccountQuota } from './quotas.ts'
import type { RecaptchaDouble } from './recaptcha/recaptcha-double.ts'
import type { Fault } from './route.ts'
import type { Script } from './scenario.ts'
import type { createSessions } from './sessions.ts'
import type { createUploads } from './uploads/uploads.ts'
import type { VendorSite } from './vendor/vendor-site.ts'

/** What all routes of one emulator share. */
export interface Site {
  script: Script | undefined
  readonly tokenCheck: 'off' | 'valid'
  readonly maxOpenAsks: number
  readonly routes: Routes
  readonly projectRefusal: ProjectRefusals
  readonly sessions: ReturnType<typeof createSessions>
  readonly edge: Edge
  readonly asks: AskRecord[]
  readonly requests: RequestRecord[]
  readonly violations: string[]
  readonly projects: ReturnType<typeof createProjects>
  readonly recaptcha: RecaptchaDouble
  readonly tasks: ReturnType<typeof createTasks>
  readonly files: ReturnType<typeof createResultFiles>
  readonly uploads: ReturnType<typeof createUploads>
  /** By session id. */
  readonly quotas: Map<string, AccountQuota>
  readonly lists: ModelLists
  readonly vendor: VendorSite
  /** By method and path, e.g. `POST /api/ig_tasks_status`. */
  readonly faults: Map<string, Fault>
  /** Requests that are being answered. */
  openRequests: number
  /** Lets every `until` look again. */
  readonly changed: () => void
}

/** Which chat routes exist. */
export interface Routes {
  copilot: boolean
  agent: boolean
  /** Status of one that does not. Default: 404. */
  goneStatus: number
}

/** What becomes of an ask that continues another account's project, none that exists, or (gen 2) sends a thread its
 *  history again: a stream without content, HTTP 500, or an answer. Default: empty, error, empty (WIRE 5.3, 5.10). */
export type ProjectRefusals = Record<'foreign' | 'unknown' | 'resentHistory', 'empty' | 'error' | 'accept'>

export const openAsks = (site: Site, account?: string): number =>
  site.asks.filter((ask) => ask.ended === undefined && (account ?? ask.account) === ask.account).length
