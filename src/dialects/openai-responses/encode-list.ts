import type { InputItem } from './input-item.ts'

export interface ListQuery {
  readonly after: string | undefined
  readonly limit: number | undefined
  readonly order: string | undefined
}

const defaultLimit = 20
const maxLimit = 100

/** A page of the items that a response was asked with; the newest come first unless `order` is `asc`. */
export function encodeInputItems(input: readonly InputItem[], { after, limit, order }: ListQuery) {
  const items = order === 'asc' ? input : [...input].reverse()
  const start = after ? items.findIndex(({ id }) => id === after) + 1 : 0
  const end = start + Math.min(Math.max(limit || defaultLimit, 1), maxLimit)
  const data = items.slice(start, end)
  return {
    object: 'list',
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: end < items.length,
  }
}

export const encodeDeleted = (id: string) => ({ id, object: 'response', deleted: true })
