import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { createApiKeyAccount } from '../core/account.ts'
import type { Clock } from '../core/clock.ts'
import { InvalidRequestError, UnavailableError, UpstreamError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { AccountAdmin, AccountView } from './account-admin.ts'

/** Sign-ins of the vendor's own kind: the operator approves in his browser, and the key comes here, sealed like any other. */
export interface DeviceLogins {
  /** @throws {UpstreamError} @throws {UnavailableError} `queue_full`: too many are under way */
  begin(signal: AbortSignal): Promise<DeviceLoginView>
  /** @throws {InvalidRequestError} `not_found` */
  read(id: string): DeviceLoginView
  /** Nothing is asked any more, and nothing known of it. @throws {InvalidRequestError} `not_found` */
  cancel(id: string): void
  /** Resolves once it is approved, expired or cancelled. */
  ended(id: string): Promise<void>
  close(): Promise<void>
}

export interface DeviceLoginView {
  readonly id: string
  /** `failed`: the key came, and could not be stored. */
  readonly status: 'pending' | 'approved' | 'expired' | 'failed'
  /** Where the operator approves. */
  readonly authUrl: string
  readonly expiresMs: number
  /** Once approved. */
  readonly account?: AccountView
}

type DeviceAnswer =
  | { readonly status: 'pending' | 'expired' }
  | { readonly status: 'approved'; readonly apiKey: string }

interface Code {
  /** A secret: it fetches the key by itself. */
  readonly deviceCode: string
  readonly authUrl: string
  readonly pollMs: number
  readonly expiresInMs: number
}

export interface DeviceLoginOptions {
  readonly accountAdmin: Pick<AccountAdmin, 'add'>
  /** `Upstream.requestDeviceCode`, `Upstream.askDeviceCode` */
  readonly requestDeviceCode: (signal: AbortSignal) => Promise<Code>
  readonly askDeviceCode: (code: Pick<Code, 'deviceCode'>, signal: AbortSignal) => Promise<DeviceAnswer>
  readonly clock: Clock
  readonly logger: Logger
}

/** Kept, those that have ended included; the oldest goes first. */
const maxLogins = 20
const maxPending = 5

interface Login {
  view: DeviceLoginView
  readonly stop: AbortController
  readonly done: Promise<void>
}

export function createDeviceLogins(options: DeviceLoginOptions): DeviceLogins {
  const { accountAdmin, requestDeviceCode, askDeviceCode, clock, logger } = options
  const logins = new Map<string, Login>()

  const find = (id: string): Login => {
    const login = logins.get(id)
    if (!login) throw new InvalidRequestError('not_found', { message: 'There is no such sign-in.' })
    return login
  }

  function show(id: string, change: Partial<DeviceLoginView>): void {
    const login = logins.get(id)
    if (login) login.view = { ...login.view, ...change }
  }

  /** Asks until it is approved or has expired. A site that does not answer is asked again: the approval waits there. */
  async function wait(id: string, code: Code, expiresMs: number, signal: AbortSignal): Promise<void> {
    while (clock.now() < expiresMs) {
      await delay(code.pollMs, undefined, { signal, ref: true })
      const answer = await askDeviceCode(code, signal).catch((error: unknown): DeviceAnswer => {
        if (signal.aborted || !(error instanceof UpstreamError)) throw error
        return { status: 'pending' }
      })
      if (answer.status === 'expired') break
      if (answer.status !== 'approved') continue
      const [added] = await accountAdmin.add([{ account: createApiKeyAccount(answer.apiKey) }])
      if (added) show(id, { status: 'approved', account: added.view })
      logger.info({ account: added?.view.id }, 'a device login was approved')
      return
    }
    show(id, { status: 'expired' })
  }

  return {
    async begin(signal) {
      const pending = [...logins.values()].filter(({ view }) => view.status === 'pending')
      if (pending.length >= maxPending)
        throw new UnavailableError('queue_full', { message: 'Too many sign-ins are under way: cancel one.' })
      const code = await requestDeviceCode(signal)
      const id = randomUUID()
      const stop = new AbortController()
      const expiresMs = clock.now() + code.expiresInMs
      const view: DeviceLoginView = { id, status: 'pending', authUrl: code.authUrl, expiresMs }
      const done = Promise.resolve()
        .then(() => wait(id, code, expiresMs, stop.signal))
        .catch((error: unknown) => {
          if (stop.signal.aborted) return
          show(id, { status: 'failed' })
          logger.warn({ err: error }, 'a device login failed')
        })
      logins.set(id, { view, stop, done })
      for (const [oldest, { view }] of logins) {
        if (logins.size <= maxLogins) break
        if (view.status !== 'pending') logins.delete(oldest)
      }
      return view
    },
    read: (id) => find(id).view,
    cancel(id) {
      find(id).stop.abort()
      logins.delete(id)
    },
    ended: (id) => find(id).done,
    async close() {
      for (const { stop } of logins.values()) stop.abort()
      await Promise.all([...logins.values()].map(({ done }) => done))
    },
  }
}
