import { InvalidRequestError } from '../../core/errors.ts'
import { invalidValue } from '../check-shape.ts'
import type { InputItem, PlacedItem } from './input-item.ts'
import { responseIdOf } from './item-ids.ts'
import type { ResponseObject } from './response-object.ts'

/** A response with the items that it was asked with. */
export interface KeptResponse {
  readonly response: ResponseObject
  readonly input: readonly InputItem[]
}

export const encodeKept = ({ response, input }: KeptResponse): string => JSON.stringify({ response, input })

/** @param text  what `encodeKept` made */
export const decodeKept = (text: string): KeptResponse => JSON.parse(text)

/** The text of a response of this caller, by its id. */
export type ReadKept = (id: string) => Promise<string | undefined>

/** What one request reads of kept responses, each once. */
export interface KeptReader {
  /** All that was said up to a response and in it, oldest first.
   *  @throws {InvalidRequestError} `previous_response_not_found`, or `invalid_value` when it is not there yet */
  history(previousId: string): Promise<readonly PlacedItem[]>
  /** Puts the items that are meant in the place of references. @throws {InvalidRequestError} `invalid_value` */
  resolve(items: readonly PlacedItem[]): Promise<readonly PlacedItem[]>
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

  async function resolve({ item, at }: PlacedItem): Promise<PlacedItem> {
    if (item.type !== 'item_reference') return { item, at }
    const id = item.id ?? ''
    if (referred.has(id)) throw invalidValue(`${at}.id`, 'this item is referred to twice')
    referred.add(id)
    const responseId = responseIdOf(id)
    const found = responseId ? await find(responseId, at) : undefined
    const meant = found?.byId.get(id)
    if (meant) return { item: meant, at }
    throw invalidValue(`${at}.id`, 'there is no such item, or it has expired; send the item itself')
  }

  return {
    async history(previousId) {
      const responses: FoundResponse[] = []
      for (let id: string | null = previousId; id; ) {
        const found: FoundResponse | undefined = await find(id, at)
        if (!found) throw notFound(id)
        if (found.isUnfinished) throw invalidValue(at, 'this response is not there yet')
        responses.push(found)
        id = found.previousId
      }
      return responses.reverse().flatMap(({ items }) => items.map((item) => ({ item, at })))
    },

    async resolve(items) {
      const resolved: PlacedItem[] = []
      for (const item of items) resolved.push(await resolve(item))
      return resolved
    },
  }
}

const at = 'previous_response_id'

export const isUnfinished = ({ status }: ResponseObject): boolean =>
  status === 'queued' || status === 'in_progress'

/** Of a kept response what a conversation needs: the tools that each repeats may be longer than all that is said. */
interface FoundResponse {
  readonly previousId: string | null
  readonly isUnfinished: boolean
  /** What it was asked with, then what it is. */
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

const notFound = (id: string): InvalidRequestError =>
  new InvalidRequestError('previous_response_not_found', {
    message: `Previous response with id '${id.slice(0, 64)}' not found.`,
    param: at,
  })
