import type { Logger } from '../core/logger.ts'
import type { AccountAdmin } from './account-admin.ts'

export interface CheckSignedOutOptions {
  readonly admin: Pick<AccountAdmin, 'list' | 'check'>
  readonly logger: Logger
  /** The service ends. */
  readonly signal: AbortSignal
}

/** Accounts that an earlier process found signed out are asked for once, one after the other: their cookies may be good again.
 *  Never rejects. */
export async function checkSignedOut({ admin, logger, signal }: CheckSignedOutOptions): Promise<void> {
  try {
    for (const { id, hold, paused } of await admin.list()) {
      if (signal.aborted) return
      if (hold?.type === 'signed-out' && !paused) await checkOne(id)
    }
  } catch (error) {
    logger.warn({ err: error }, 'the signed-out accounts could not be checked')
  }

  async function checkOne(id: string): Promise<void> {
    try {
      const { hold } = await admin.check(id, signal)
      if (!hold) logger.info({ account: id }, 'account is signed in again')
    } catch (error) {
      if (!signal.aborted) logger.warn({ account: id, err: error }, 'account could not be checked')
    }
  }
}
