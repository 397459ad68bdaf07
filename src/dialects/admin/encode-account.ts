import type { AccountView } from '../../accounts/account-admin.ts'

/** One account as `/admin/accounts` shows it. */
export function encodeAccount({
  id,
  kind,
  note,
  paused,
  source,
  addedMs,
  proxy,
  inFlight,
  hold,
}: AccountView) {
  return {
    object: 'account',
    id,
    type: kind,
    label: note ?? null,
    state: paused ? 'paused' : (hold?.type ?? 'usable'),
    paused,
    cooling: hold?.type === 'cooling' ? { kind: hold.kind, until: isoTime(hold.untilMs) } : null,
    signed_out_since: hold?.type === 'signed-out' ? isoTime(hold.sinceMs) : null,
    in_flight: inFlight,
    source,
    added_at: addedMs === undefined ? null : isoTime(addedMs),
    proxy: proxy ?? null,
  }
}

export const encodeAccountList = (views: readonly AccountView[]) => ({
  object: 'list',
  data: views.map(encodeAccount),
})

/** Accounts that were there already are told apart, so that nothing pasted goes by unseen. */
export function encodeAdded(
  added: readonly { readonly view: AccountView; readonly isNew: boolean }[],
  notices: readonly string[],
) {
  const viewsOf = (isNew: boolean) =>
    added.filter((each) => each.isNew === isNew).map(({ view }) => encodeAccount(view))
  return { object: 'list', data: viewsOf(true), duplicates: viewsOf(false), notices }
}

const isoTime = (ms: number): string => new Date(ms).toISOString()
