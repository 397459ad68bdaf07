import { z } from 'zod'
import type { AccountView } from '../accounts/account-admin.ts'
import { encodeAccount } from './admin.ts'
import { checkShape, invalidValue } from './check-shape.ts'

export const accountViewStates = [
  'usable',
  'busy',
  'cooling',
  'spent',
  'signed-out',
  'plan-blocked',
  'paused',
] as const
/** What an account is doing, in one word; `spent` rests for a quota, `cooling` for anything else. */
export type AccountViewState = (typeof accountViewStates)[number]

export interface AccountFilter {
  readonly state?: AccountViewState | undefined
  /** Part of the label, the id or the proxy, in whatever case. */
  readonly q?: string | undefined
}

export interface AccountQuery extends AccountFilter {
  readonly sort: 'added' | 'label' | 'state' | 'in_flight'
  readonly isDescending: boolean
  readonly limit: number
  readonly cursor?: { readonly index: number; readonly id: string } | undefined
}

const filterFields = {
  state: z.enum(accountViewStates).optional(),
  q: z.string().trim().min(1).max(200).optional(),
}
const querySchema = z.strictObject({
  ...filterFields,
  sort: z
    .enum(['added', 'label', 'state', 'in_flight', '-added', '-label', '-state', '-in_flight'])
    .default('added'),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().max(100).optional(),
})

/** The query of `GET /admin/accounts`. @throws {InvalidRequestError} `invalid_value` */
export function parseAccountQuery(query: object): AccountQuery {
  const { sort, cursor, ...rest } = checkShape(querySchema, { ...query })
  return {
    ...rest,
    sort: sort.replace('-', '') as AccountQuery['sort'],
    isDescending: sort.startsWith('-'),
    cursor: cursor === undefined ? undefined : parseCursor(cursor),
  }
}

function parseCursor(text: string) {
  const [, index, id] = /^(\d+)\.(acc_[0-9a-f]{8,16})$/.exec(text) ?? []
  if (index === undefined || id === undefined)
    throw invalidValue('cursor', 'must be the `next_cursor` of a page')
  return { index: Number(index), id }
}

/** A page of `GET /admin/accounts`, with how many there are in each state whatever the filter. */
export function encodeAccountPage(views: readonly AccountView[], query: AccountQuery) {
  const counts = Object.fromEntries(accountViewStates.map((state) => [state, 0]))
  for (const view of views) counts[viewStateOf(view)] = (counts[viewStateOf(view)] ?? 0) + 1
  const found = sortViews(filterAccounts(views, query), query)
  const { cursor, limit } = query
  // One that was removed since left its place to the next.
  const at = cursor ? found.findIndex(({ id }) => id === cursor.id) : -1
  const from = at >= 0 ? at + 1 : (cursor?.index ?? 0)
  const page = found.slice(from, from + limit)
  const last = page.at(-1)
  const end = from + page.length
  return {
    object: 'list',
    data: page.map((view) => ({ ...encodeAccount(view), doing: viewStateOf(view) })),
    counts: { all: views.length, ...counts },
    found: found.length,
    next_cursor: last && end < found.length ? `${end}.${last.id}` : null,
  }
}

export function filterAccounts(
  views: readonly AccountView[],
  { state, q }: AccountFilter,
): readonly AccountView[] {
  const text = q?.toLowerCase()
  return views.filter(
    (view) =>
      (state === undefined || viewStateOf(view) === state) &&
      (text === undefined ||
        [view.id, view.note, view.proxy].some((each) => each?.toLowerCase().includes(text))),
  )
}

export function viewStateOf({ paused, hold, inFlight }: AccountView): AccountViewState {
  if (paused) return 'paused'
  if (hold?.type === 'signed-out') return hold.reason ?? 'signed-out'
  if (hold) return hold.kind === 'quota-spent' ? 'spent' : 'cooling'
  return inFlight > 0 ? 'busy' : 'usable'
}

function sortViews(
  views: readonly AccountView[],
  { sort, isDescending }: AccountQuery,
): readonly AccountView[] {
  const sign = isDescending ? -1 : 1
  const keyOf = {
    added: () => 0,
    label: ({ note, id }: AccountView) => note ?? id,
    state: (view: AccountView) => accountViewStates.indexOf(viewStateOf(view)),
    in_flight: ({ inFlight }: AccountView) => inFlight,
  }[sort]
  if (sort === 'added') return isDescending ? views.toReversed() : views
  const keyed = views.map((view) => ({ view, key: keyOf(view) }))
  keyed.sort((one, other) => (one.key < other.key ? -sign : one.key > other.key ? sign : 0))
  return keyed.map(({ view }) => view)
}

export const bulkActions = ['check', 'pause', 'resume', 'remove', 'set-proxy', 'label'] as const

const bulkSchema = z
  .strictObject({
    ids: z
      .array(z.string().regex(/^acc_[0-9a-f]{8,16}$/))
      .min(1)
      .max(10_000)
      .optional(),
    filter: z.strictObject(filterFields).optional(),
    action: z.enum(bulkActions),
    proxy_url: z.string().min(1).max(2048).nullish(),
    label: z.string().trim().min(1).max(200).nullish(),
  })
  .refine(
    ({ ids, filter }) => (ids === undefined) !== (filter === undefined),
    'give either `ids` or `filter`',
  )

export type BulkRequest = z.infer<typeof bulkSchema>

/** The body of `POST /admin/accounts/bulk`. @throws {InvalidRequestError} `invalid_value` */
export function parseBulk(body: unknown): BulkRequest {
  const bulk = checkShape(bulkSchema, body)
  if (bulk.action === 'set-proxy' && bulk.proxy_url === undefined)
    throw invalidValue('proxy_url', 'is missing; null takes the proxy away')
  if (bulk.action === 'label' && bulk.label === undefined)
    throw invalidValue('label', 'is missing; null takes the label away')
  return bulk
}
