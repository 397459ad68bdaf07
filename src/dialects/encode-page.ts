/** What OpenAI's lists are asked with, as it stands in the query string. */
export interface PageQuery {
  readonly after?: string | string[] | undefined
  readonly limit?: string | string[] | undefined
  readonly order?: string | string[] | undefined
}

const defaultLimit = 20
const maxLimit = 100

/** A page of a list as OpenAI's clients read it. An unknown `after` begins at the beginning, a limit out of range is clamped.
 *  @param newestFirst  the whole list; `order=asc` turns it round */
export function encodePage<Item extends { readonly id?: string }, Encoded>(
  newestFirst: readonly Item[],
  query: PageQuery,
  encode: (item: Item) => Encoded,
) {
  const after = single(query.after)
  const items = single(query.order) === 'asc' ? newestFirst.toReversed() : newestFirst
  const start = after ? items.findIndex(({ id }) => id === after) + 1 : 0
  const end = start + Math.min(Math.max(Number(single(query.limit)) || defaultLimit, 1), maxLimit)
  const page = items.slice(start, end)
  return {
    object: 'list',
    data: page.map(encode),
    first_id: page[0]?.id ?? null,
    last_id: page.at(-1)?.id ?? null,
    has_more: end < items.length,
  }
}

const single = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value[0] : value
