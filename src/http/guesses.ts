import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { ServiceError } from '../core/errors.ts'
import { givenKeys } from './keys.ts'
import { clientOf } from './limit-rate.ts'
import type { RequestContext } from './request-state.ts'

/** Bounds how many secrets one address may try, in this process: of n replicas each allows as many. A right one that comes while the
 *  address is shut out is refused as well: else the bound would tell the guesser when to stop. So it is for all who share an address,
 *  such as everybody behind a proxy that TRUSTED_PROXY_HOPS does not know; the clients of `/v1` are not asked here. */
export interface Guesses {
  /** Asks `isRight` of the request, unless its address has guessed too often. A wrong secret that is tried on route after route, as
   *  by a script with an old key, is a single guess; no secret is none.
   *  @param tried  default: the keys in its headers
   *  @throws {ServiceError} `rate_limit_exceeded`, with the true wait */
  allow(
    context: RequestContext,
    isRight: () => boolean | Promise<boolean>,
    tried?: readonly string[],
  ): Promise<boolean>
}

const windowMs = 60_000
const maxGuesses = 5
/** More addresses than these at once forget the one that guessed longest ago. */
const maxAddresses = 10_000
/** What is remembered of an address; beyond it each try counts. */
const maxTried = 128

interface Guesser {
  readonly startedMs: number
  count: number
  readonly tried: Set<string>
}

/** @param now  a clock that nobody can step, in ms */
export function createGuesses(now: () => number = () => performance.now()): Guesses {
  const guessers = new LRUCache<string, Guesser>({ max: maxAddresses })
  /** Of addresses whose secrets are being looked at; resolved when the last one is. */
  const turns = new Map<string, Promise<void>>()

  function guesserAt(address: string): Guesser | undefined {
    const guesser = guessers.get(address)
    return guesser && now() - guesser.startedMs < windowMs ? guesser : undefined
  }

  function note(address: string, secret: string, place: string): void {
    const guesser = guesserAt(address) ?? { startedMs: now(), count: 0, tried: new Set() }
    guessers.set(address, guesser)
    const { tried } = guesser
    const digest = hash('sha256', secret, 'base64')
    const here = `${digest} ${hash('sha256', place, 'base64')}`
    if (!tried.has(digest) || tried.has(here) || tried.size >= maxTried) guesser.count += 1
    tried.add(digest).add(here)
  }

  async function judge(
    address: string,
    context: RequestContext,
    { isRight, keys }: { readonly isRight: IsRight; readonly keys: readonly string[] },
  ): Promise<boolean> {
    const guesser = guesserAt(address)
    if (guesser && guesser.count >= maxGuesses && keys.length > 0) {
      const retryAfterMs = guesser.startedMs + windowMs - now()
      throw new ServiceError('rate_limit_exceeded', { message: tooManyGuesses, retryAfterMs })
    }
    if (await isRight()) return true
    for (const key of keys) note(address, key, `${context.method} ${context.path}`)
    return false
  }

  return {
    // One after the other: of many at once all would be asked about before the first is counted.
    allow(context, isRight, keys = givenKeys(context)) {
      const address = clientOf(context.state.clientAddress)
      const before = turns.get(address) ?? Promise.resolve()
      const turn = before.then(() => judge(address, context, { isRight, keys }))
      const settled = turn.then(ignore, ignore).then(() => {
        if (turns.get(address) === settled) turns.delete(address)
      })
      turns.set(address, settled)
      return turn
    },
  }
}

type IsRight = Parameters<Guesses['allow']>[1]

const ignore = () => {}

const tooManyGuesses = 'Too many wrong keys came from this address. Wait for a minute.'
