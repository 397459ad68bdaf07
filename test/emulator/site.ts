import type { AskRecord, RequestRecord } from './ask-record.ts'
import type { createProjects } from './projects.ts'
import type { RecaptchaDouble } from './recaptcha/recaptcha-double.ts'
import type { Script } from './scenario.ts'

/** What all routes of one emulator share. */
export interface Site {
  script: Script | undefined
  readonly tokenCheck: 'off' | 'valid'
  readonly maxOpenAsks: number
  readonly routes: Routes
  readonly projectRefusal: ProjectRefusals
  readonly signedOut: Set<string>
  readonly asks: AskRecord[]
  readonly requests: RequestRecord[]
  readonly violations: string[]
  readonly projects: ReturnType<typeof createProjects>
  readonly recaptcha: RecaptchaDouble
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
 *  history again: a stream without content, HTTP 500, or an answer. Default: empty, error, empty (UPSTREAM 5.3, 5.10). */
export type ProjectRefusals = Record<'foreign' | 'unknown' | 'resentHistory', 'empty' | 'error' | 'accept'>

export const openAsks = (site: Site, sessionId?: string): number =>
  site.asks.filter((ask) => ask.ended === undefined && (sessionId ?? ask.sessionId) === ask.sessionId).length
