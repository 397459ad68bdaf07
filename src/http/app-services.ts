import type { AccountAdmin } from '../accounts/account-admin.ts'
import type { DeviceLogins } from '../accounts/device-logins.ts'
import type { AccountQuota } from '../accounts/total-quota.ts'
import type { TokenSource } from '../browser/token-source.ts'
import type { Clock } from '../core/clock.ts'
import type { Logger } from '../core/logger.ts'
import type { Metrics } from '../core/metrics.ts'
import type { RunAudio } from '../gateway/audio.ts'
import type { BackgroundWork } from '../gateway/background-work.ts'
import type { RunChat } from '../gateway/chat.ts'
import type { FetchAttachments } from '../gateway/fetch-attachments.ts'
import type { KeptResponses } from '../gateway/kept-responses.ts'
import type { RunMedia } from '../gateway/media.ts'
import type { Processes } from '../gateway/processes.ts'
import type { VideoJobs } from '../gateway/video-jobs.ts'
import type { Catalogue } from '../models/catalogue.ts'
import type { Records } from '../records/ring.ts'
import type { Series } from '../records/series.ts'
import type { NamedKeys } from '../store/named-keys.ts'
import type { OperatorKey } from '../store/operator-key.ts'
import type { OperatorSessions } from '../store/operator-sessions.ts'
import type { Store } from '../store/store.ts'
import type { PassThrough } from '../upstream/pass-through.ts'
import type { SiteFile } from '../upstream/upstream.ts'
import type { SharedLimit } from './limit-rate.ts'
import type { Readiness } from './readiness.ts'

/** What the handlers work with; `service.ts` builds it. Only types come from the modules below (accounts, browser, store, upstream
 *  among them): `http` calls these functions and knows nothing of how they are made. */
export interface AppServices {
  readonly runChat: RunChat
  readonly runMedia: RunMedia
  /** For `/v1/audio/speech` and `/v1/audio/transcriptions`. */
  readonly runAudio: RunAudio
  readonly videoJobs: VideoJobs
  readonly keptResponses: KeptResponses
  readonly backgroundWork: BackgroundWork
  /** Absent: nobody knows of other processes. */
  readonly processes?: Processes
  /** Opens a result file of the site with the cookie of the account. @throws {ServiceError} */
  readonly openFile: (accountKey: string, url: string, signal: AbortSignal) => Promise<SiteFile>
  /** Where links to files are kept. */
  readonly linkStore: Pick<Store, 'saveDocument' | 'findDocument'>
  /** The key that the service made for the operator. */
  readonly operatorKey: Pick<OperatorKey, 'looksMade' | 'matches'>
  /** Clients' keys that were made while the service runs. */
  readonly namedKeys: NamedKeys
  /** For sessions of the console. */
  readonly operatorSessions: OperatorSessions
  /** Fetches a picture that a client names by URL. */
  readonly fetchAttachments: FetchAttachments
  /** For `/admin/accounts`. */
  readonly accountAdmin: AccountAdmin
  /** For `/admin/accounts/login`; absent: there is none. */
  readonly deviceLogins?: DeviceLogins
  /** For `/admin/usage`. */
  readonly usage: Store['counts']
  /** What is left of all accounts, for the billing routes; undefined where the site does not say. Resolves quickly; never
   *  rejects. */
  readonly quota: () => Promise<AccountQuota | undefined>
  readonly catalogue: Catalogue
  /** For embeddings and moderations; absent: the operator named no address. */
  readonly passThrough?: PassThrough | undefined
  /** For `GET /genspark`. */
  readonly tokens: Pick<TokenSource, 'token'>
  readonly countTokens: (text: string) => Promise<number>
  readonly readiness: () => Promise<Readiness>
  /** Absent: each process counts its own requests. */
  readonly sharedLimit?: SharedLimit | undefined
  /** The last requests; absent: they are only logged. */
  readonly records?: Records
  /** How the last day went, minute by minute; absent: nobody counts. */
  readonly series?: Series
  /** The name of this process among the replicas. */
  readonly replica?: string
  readonly metrics: Metrics
  readonly logger: Logger
  readonly clock: Clock
  /** Aborted with `shutting_down` when the grace is over. */
  readonly shutdown: AbortSignal
  /** True from SIGTERM on. */
  readonly isShuttingDown: () => boolean
}
