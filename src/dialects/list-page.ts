/** How a client asks for a page of a list; each field as it stands in the query string. */
export interface PageQuery {
  readonly after?: string | readonly string[] | undefined
  readonly limit?: string | readonly string[] | undefined
  readonly order?: string | readonly string[] | undefined
}

const defaultLimit = 20
const maxLimit = 100

/** A page of a list in OpenAI's form.
 *  @param newestFirst  all items; `order=asc` turns them round
 *  @param query  `after` is the id of the last item that the client has; behind one that is not in the list there is nothing: a client that pages by
 *  itself would get the first page twice */
export function encodePage<Item extends { readonly id?: string }>(
  newestFirst: readonly Item[],
  query: PageQuery,
) {
  const after = first(query.after)
  const items = first(query.order) === 'asc' ? newestFirst.toReversed() : newestFirst
  const found = after ? items.findIndex(({ id }) => id === after) : -1
  const start = after && found === -1 ? items.length : found + 1
  const limit = Number(first(query.limit)) || defaultLimit
  const end = start + Math.min(Math.max(limit, 1), maxLimit)
  return encodeList(items.slice(start, end), end < items.length)
}

const first = (given: string | readonly string[] | undefined): string | undefined =>
  typeof given === 'object' ? given[0] : given

export function encodeList<Item extends { readonly id?: string }>(data: readonly Item[], hasMore: boolean) {
  return {
    object: 'list',
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: hasMore,
  }
}
