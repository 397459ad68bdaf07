import type { Clock } from '../core/clock.ts'
import type { Logger } from '../core/logger.ts'
import type { Metrics } from '../core/metrics.ts'
import type { RunChat } from '../gateway/chat.ts'
import type { Catalogue } from '../models/catalogue.ts'
import type { Readiness } from './readiness.ts'

export interface AppServices {
  readonly runChat: RunChat
  readonly catalogue: Catalogue
  readonly countTokens: (text: string) => Promise<number>
  readonly readiness: () => Promise<Readiness>
  readonly metrics: Metrics
  readonly logger: Logger
  readonly clock: Clock
  /** Aborted with `shutting_down` when the grace is over. */
  readonly shutdown: AbortSignal
  /** True from SIGTERM on. */
  readonly isShuttingDown: () => boolean
}
