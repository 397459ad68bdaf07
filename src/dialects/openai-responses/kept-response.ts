import { InvalidRequestError, type ServiceError } from '../../core/errors.ts'
import { invalidValue } from '../check-shape.ts'
import { encodePage, type PageQuery } from '../list-page.ts'
import type { InputItem, LocatedItem } from './parse-items.ts'
import { encodeFailure, type ResponseObject, responseIdOf } from './response-object.ts'

/** A response with the input that it answers. */
export interface KeptResponse {
  readonly response: ResponseObject
  readonly input: readonly InputItem[]
  /** The process that makes it in the background. */
  readonly process?: string
}

/** @param responseText  JSON of `response`, where that is written out already */
export const encodeKept = (
  { response, input, process }: KeptResponse,
  responseText: string = JSON.stringify(response),
): string =>
  `{"response":${responseText},"input":${JSON.stringify(input)}${process === undefined ? '' : `,"process":${JSON.stringify(process)}`}}`

/** @param text  what `encodeKept` made */
export const decodeKept = (text: string): KeptResponse => JSON.parse(text)

/** The text of a response of this caller, by its id. */
export type ReadKept = (id: string) => Promise<string | undefined>

/** Reads the kept responses that one request needs, each once. */
export interface KeptReader {
  /** The conversation up to a response and including it, oldest first.
   *  @throws {InvalidRequestError} `previous_response_not_found`, or `invalid_value` when it is not there yet */
  history(previousId: string): Promise<readonly LocatedItem[]>
  /** Puts the items themselves in the place of references to them.
   *  @throws {InvalidRequestError} `previous_response_not_found` when theirs is kept no more, `invalid_value` */
  resolve(items: readonly LocatedItem[]): Promise<readonly LocatedItem[]>
}

const maxResponses = 1000
/** In UTF-16 units, of all texts that one request reads. */
const maxTotalLength = 64 * 1024 * 1024

export function createKeptReader(read: ReadKept): KeptReader {
  const known = new Map<string, FoundResponse | undefined>()
  const referred = new Set<string>()
  let totalLength = 0

  async function find(id: string, at: string): Promise<FoundResponse | undefined> {
    if (known.has(id)) return known.get(id)
    const text = await read(id)
    totalLength += text?.length ?? 0
    if (known.size >= maxResponses || totalLength > maxTotalLength)
      throw invalidValue(at, 'this conversation is too long to be put together from kept responses')
    const found = text === undefined ? undefined : foundIn(decodeKept(text))
    known.set(id, found)
    return found
  }

  async function resolve({ item, at }: LocatedItem): Promise<LocatedItem> {
    if (item.type !== 'item_reference') return { item, at }
    const id = item.id ?? ''
    if (referred.has(id)) throw invalidValue(`${at}.id`, 'this item is referred to twice')
    referred.add(id)
    const responseId = responseIdOf(id)
    const found = responseId ? await find(responseId, at) : undefined
    const meant = found?.byId.get(id)
    if (meant) return { item: meant, at }
    // One of ours, which is kept no more: a client that hears this sends the whole conversation.
    if (responseId && !found) throw notFound(responseId, `${at}.id`)
    throw invalidValue(`${at}.id`, 'there is no such item, or it has expired; send the item itself')
  }

  return {
    async history(previousId) {
      const responses: FoundResponse[] = []
      for (let id: string | null = previousId; id; ) {
        const found: FoundResponse | undefined = await find(id, at)
        if (!found) throw notFound(id)
        if (found.isUnfinished) throw invalidValue(at, 'this response is not ready yet')
        responses.push(found)
        id = found.previousId
      }
      return responses.reverse().flatMap(({ items }) => items.map((item) => ({ item, at })))
    },

    async resolve(items) {
      const resolved: LocatedItem[] = []
      for (const item of items) resolved.push(await resolve(item))
      return resolved
    },
  }
}

const at = 'previous_response_id'

export const isUnfinished = ({ status }: ResponseObject): boolean =>
  status === 'queued' || status === 'in_progress'

/** The parts of a kept response that a conversation needs: its list of tools may be longer than the conversation. */
interface FoundResponse {
  readonly previousId: string | null
  readonly isUnfinished: boolean
  /** Its input, then its output. */
  readonly items: readonly InputItem[]
  readonly byId: ReadonlyMap<string, InputItem>
}

function foundIn({ response, input }: KeptResponse): FoundResponse {
  const items = [...input, ...response.output.map((item): InputItem => ({ ...item }))]
  return {
    previousId: response.previous_response_id,
    isUnfinished: isUnfinished(response),
    items,
    byId: new Map(items.map((item) => [item.id ?? '', item])),
  }
}

const notFound = (id: string, param = at): InvalidRequestError =>
  new InvalidRequestError('previous_response_not_found', {
    message: `Previous response with id '${id.slice(0, 64)}' not found.`,
    param,
  })

/** A page of the input of a response; the newest items come first unless `order` is `asc`. */
export const encodeInputItems = (input: readonly InputItem[], query: PageQuery) =>
  encodePage(input.toReversed(), query)

export const encodeDeleted = (id: string) => ({ id, object: 'response', deleted: true })

export const failedResponse = (response: ResponseObject, error: ServiceError): ResponseObject => ({
  ...response,
  status: 'failed',
  error: encodeFailure(error),
})

export const cancelledResponse = (response: ResponseObject): ResponseObject => ({
  ...response,
  status: 'cancelled',
})

/** A response that is unfinished for longer than any work lasts was lost with its process: it has failed.
 *  @param now  seconds since the epoch; `maxAge` is in seconds too @param isGone  its process is known to be gone */
export function failIfLost(
  response: ResponseObject,
  { now, maxAge, isGone }: { readonly now: number; readonly maxAge: number; readonly isGone: boolean },
): ResponseObject {
  if (!isUnfinished(response) || (now - response.created_at <= maxAge && !isGone)) return response
  const message = 'The server ended while it made this response. Send the request again.'
  return { ...response, status: 'failed', error: { code: 'server_error', message } }
}
