import type { ServerResponse } from 'node:http'
import { InvalidRequestError, UnavailableError } from '../core/errors.ts'

/** All request bodies in flight together, in bytes after decompression (BODY_BUDGET_MB): `MAX_BODY_MB` bounds one of them, and
 *  many at once would still end the process. A body counts from its first byte until nothing holds it. */
export interface BodyBudget {
  /** Counts bytes of the body of this request, until its response closes.
   *  @throws {UnavailableError} `overloaded` when they do not fit any more; then they do not count */
  take(context: BudgetedRequest, bytes: number): void
  /** Counts JSON for what its values take in memory once they are parsed, where that is far more than its bytes.
   *  @throws {UnavailableError} `overloaded` @throws {InvalidRequestError} `request_too_large`: it can never fit */
  takeValues(context: BudgetedRequest, json: Buffer): void
  /** For work that goes on when the response has been sent. @returns to be called when it has ended */
  hold(context: BudgetedRequest): () => void
}

interface BudgetedRequest {
  readonly res: ServerResponse
  readonly state: { body?: HeldBody }
}

export interface HeldBody {
  bytes: number
  /** The response, and work that goes on behind it. At 0 the body has been given back. */
  holders: number
}

/** For the client: others have to end first, and how long they take is not known. */
const retryAfterMs = 5_000

export function createBodyBudget(maxBytes: number): BodyBudget {
  let inFlight = 0

  function letGo(body: HeldBody): void {
    body.holders -= 1
    if (body.holders > 0) return
    inFlight -= body.bytes
    body.bytes = 0
  }

  function begin({ res, state }: BudgetedRequest): HeldBody {
    const body: HeldBody = { bytes: 0, holders: 1 }
    state.body = body
    if (res.closed) body.holders = 0
    else res.once('close', () => letGo(body))
    return body
  }

  function take(context: BudgetedRequest, bytes: number): void {
    if (inFlight + bytes > maxBytes) throw overloaded(maxBytes, bytes)
    const body = context.state.body ?? begin(context)
    // The response has closed: nobody would give it back, and who reads it stops now.
    if (body.holders === 0) return
    body.bytes += bytes
    inFlight += bytes
  }

  return {
    take,
    takeValues(context, json) {
      if (json.length < fewValuesBytes) return
      const more = Math.ceil(valueBytes(json) / memoryPerBodyByte) - json.length
      if (more <= 0) return
      if (more + json.length > maxBytes)
        throw new InvalidRequestError('request_too_large', {
          message: 'The request body has too many values. Send fewer objects and arrays.',
        })
      take(context, more)
    },
    hold({ state: { body } }) {
      if (!body || body.holders === 0) return () => {}
      body.holders += 1
      return () => letGo(body)
    },
  }
}

function overloaded(maxBytes: number, bytes: number): UnavailableError {
  return new UnavailableError('overloaded', bytes > maxBytes ? { retryable: false } : { retryAfterMs })
}

/** What a byte of a body may take in memory beside itself: its text, the text for the site, the bytes of both. The budget is an
 *  eighth of the heap and has room for this. */
const memoryPerBodyByte = 4

/** Bodies below this are not looked at: whatever they hold, it is little. */
const fewValuesBytes = 4 * 1024

/** What is held of a message of few words, with its text for the site, is 390 bytes, of one with a part 610 in two objects and an
 *  array; parsed alone an object takes 64 bytes, an array 40, a property with a name of its own 87, a place in an array 8
 *  (scripts/measure-body-memory.ts). While one copy is made of another about twice as much lives, garbage included: with these
 *  figures a heap of 256 MB outlived every body that was tried. */
const objectBytes = 1000
const arrayBytes = 200
const propertyBytes = 300
const placeBytes = 8

/** About how much memory the objects and arrays of a JSON text will take: for `[{},{},…]` far more than its bytes. */
function valueBytes(json: Buffer): number {
  let total = 0
  let isInString = false
  for (let index = 0; index < json.length; index += 1) {
    const byte = json[index]
    if (isInString) {
      // Long strings are skipped by a search in native code; an escaped quote only makes the figure less exact.
      const end = json.indexOf(0x22, index)
      if (end === -1) break
      index = end
      isInString = json[end - 1] === 0x5c && json[end - 2] !== 0x5c
    } else if (byte === 0x22) isInString = true
    else if (byte === 0x7b) total += objectBytes
    else if (byte === 0x5b) total += arrayBytes
    else if (byte === 0x3a) total += propertyBytes
    else if (byte === 0x2c) total += placeBytes
  }
  return total
}
