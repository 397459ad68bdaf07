// Dialect `admin`: what the operator sends and sees of accounts and of their usage.
// Pure: touches `core`, zod, the parsers and types of `accounts` and the counts of `store`; knows no HTTP and asks neither.

import { z } from 'zod'
import type { AccountView, AddedView } from '../accounts/account-admin.ts'
import type { AccountChange } from '../accounts/account-record.ts'
import type { NewAccount } from '../accounts/account-roster.ts'
import type { DeviceLoginView } from '../accounts/device-logins.ts'
import { type ParseCookieOptions, parseCookieInput } from '../accounts/import-accounts.ts'
import { parseApiKey, parseProxyUrl } from '../accounts/parse-api-key.ts'
import { type Account, accountLabel, createAccount, createApiKeyAccount } from '../core/account.ts'
import type { CountRow } from '../store/store.ts'
import { otherLabel } from '../store/store.ts'
import { checkShape, invalidValue } from './check-shape.ts'

export interface PastedAccounts {
  readonly accounts: readonly NewAccount[]
  /** Oddities in words; never a cookie. */
  readonly notices: readonly string[]
}

const label = z.string().trim().min(1).max(200)
const proxyUrl = z.string().min(1).max(2048)
const secret = z.string().min(1)

const detailSchema = { label: label.nullish(), proxy_url: proxyUrl.nullish(), paused: z.boolean().optional() }
const itemSchema = z.strictObject({ cookie: secret.optional(), api_key: secret.optional(), ...detailSchema })
/** A cookie of a browser's export; its further fields are the browser's. */
const exportedSchema = z.looseObject({ name: z.string(), value: z.string() })

const pasteSchema = z.strictObject({
  accounts: z.union([
    secret,
    z.array(exportedSchema).min(1),
    z
      .array(z.union([secret, itemSchema]))
      .min(1)
      .max(1000),
  ]),
  /** How texts are to be read. */
  type: z.enum(['cookie', 'api-key']).default('cookie'),
  ...detailSchema,
})

type Details = Pick<z.infer<typeof itemSchema>, 'label' | 'proxy_url' | 'paused'>

/** The body of `POST /admin/accounts`: one account (`cookie` or `api_key`), many (`accounts`: pasted text, or a list of texts and
 *  accounts), a browser's export as it is, or plain text.
 *  @param host  whose cookies are taken from an export
 *  @throws {InvalidRequestError} `invalid_value` with the place of the first fault; nothing is taken then */
export function parseAccounts(body: unknown, host: string): PastedAccounts {
  if (typeof body === 'string') return pasted(body, 'cookie', {}, { host, param: 'accounts' })
  if (Array.isArray(body)) return parseAccounts({ accounts: body }, host)
  const given = checkShape(z.looseObject({}), body)
  if ('cookies' in given) return pasted(JSON.stringify(given), 'cookie', {}, { host, param: 'cookies' })
  if (!('accounts' in given)) return parseItem(given, host, '')
  const { accounts, type, ...details } = checkShape(pasteSchema, given)
  if (typeof accounts === 'string') return pasted(accounts, type, details, { host, param: 'accounts' })
  if (isExport(accounts))
    return pasted(JSON.stringify(accounts), 'cookie', details, { host, param: 'accounts' })
  const parsed = accounts.map((item, index) => {
    const param = `accounts[${index}]`
    if (typeof item === 'string') return pasted(item, type, details, { host, param })
    return parseItem({ ...details, ...item }, host, param)
  })
  return {
    accounts: parsed.flatMap((each) => each.accounts),
    notices: parsed.flatMap(({ notices }, index) => notices.map((notice) => `accounts[${index}]: ${notice}`)),
  }
}

const changeSchema = z
  .strictObject({ cookie: secret.optional(), api_key: secret.optional(), ...detailSchema })
  .refine(
    (change) => Object.keys(change).length > 0,
    'give at least one of label, proxy_url, paused, cookie, api_key',
  )

/** The body of `PATCH /admin/accounts/:id`; `cookie` or `api_key` replaces what signs the account in.
 *  @throws {InvalidRequestError} `invalid_value` */
export function parseAccountChange(body: unknown, host: string): AccountChange {
  const { cookie, api_key, label, proxy_url, paused } = checkShape(changeSchema, body)
  if (cookie !== undefined && api_key !== undefined)
    throw invalidValue('api_key', 'give it or `cookie`, not both')
  const pasted =
    cookie !== undefined
      ? oneAccount(cookie, 'cookie', { host, param: 'cookie' })
      : api_key && oneAccount(api_key, 'api-key', { host, param: 'api_key' })
  return {
    account: pasted ? pasted.account : undefined,
    endsMs: pasted ? pasted.endsMs : undefined,
    note: label,
    proxyUrl: proxy_url && parseProxyUrl(proxy_url, 'proxy_url'),
    paused,
  }
}

type Item = z.infer<typeof itemSchema>
type PasteOptions = ParseCookieOptions & { readonly param: string }

function parseItem(value: unknown, host: string, at: string): PastedAccounts {
  const { cookie, api_key, ...details }: Item = checkShape(itemSchema, value, at)
  if ((cookie === undefined) === (api_key === undefined))
    throw invalidValue(at, 'give either `cookie` or `api_key`')
  const field = (name: string) => (at ? `${at}.${name}` : name)
  return cookie !== undefined
    ? pasted(cookie, 'cookie', details, { host, param: field('cookie') })
    : pasted(api_key ?? '', 'api-key', details, { host, param: field('api_key') })
}

function pasted(
  text: string,
  kind: Account['kind'],
  details: Details,
  options: PasteOptions,
): PastedAccounts {
  const { accounts, problems, form, endsMs } =
    kind === 'cookie' ? parseCookieInput(text, options) : parseKeys(text, options)
  const proxy = details.proxy_url ? parseProxyUrl(details.proxy_url, 'proxy_url') : undefined
  return {
    accounts: accounts.map((account) => ({
      account: account.proxyUrl || !proxy ? account : withProxy(account, proxy),
      note: details.label ?? undefined,
      paused: details.paused,
      endsMs,
    })),
    notices: form === undefined ? problems : [`read as ${form}`, ...problems],
  }
}

function parseKeys(text: string, { param }: PasteOptions) {
  const keys = text.split(',').filter((key) => key.trim() !== '')
  return {
    accounts: keys.map((key) => parseApiKey(key, param)),
    problems: [],
    form: undefined,
    endsMs: undefined,
  }
}

function oneAccount(text: string, kind: Account['kind'], options: PasteOptions): NewAccount {
  const [first, ...others] = pasted(text, kind, {}, options).accounts
  if (!first || others.length > 0) throw invalidValue(options.param, 'must be one account')
  return first
}

const withProxy = (account: Account, proxy: string): Account =>
  account.kind === 'cookie'
    ? createAccount(account.cookie, proxy)
    : createApiKeyAccount(account.apiKey, proxy)

const isExport = (accounts: readonly unknown[]): accounts is readonly z.infer<typeof exportedSchema>[] =>
  accounts.every((item) => typeof item === 'object' && item !== null && 'name' in item && 'value' in item)

/** Of pictures or videos alone. */
const encodeUseHolds = (holds: NonNullable<AccountView['useHolds']>) =>
  Object.fromEntries(
    Object.entries(holds).flatMap(([use, hold]) =>
      hold.type === 'cooling' ? [[use, { kind: hold.kind, until: isoTime(hold.untilMs) }]] : [],
    ),
  )

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
  useHolds,
  renewedMs,
  endsMs,
  twinOf,
  credits,
}: AccountView) {
  return {
    object: 'account',
    id,
    type: kind,
    label: note ?? null,
    state: paused ? 'paused' : hold || twinOf === undefined ? stateOf(hold) : 'duplicate',
    paused,
    cooling: hold?.type === 'cooling' ? { kind: hold.kind, until: isoTime(hold.untilMs) } : null,
    ...(useHolds && { cooling_for: encodeUseHolds(useHolds) }),
    signed_out_since: hold?.type === 'signed-out' && !hold.reason ? isoTime(hold.sinceMs) : null,
    plan_blocked_since: hold?.type === 'signed-out' && hold.reason ? isoTime(hold.sinceMs) : null,
    in_flight: inFlight,
    ...(credits && { credits: { remaining: credits.remaining, limit: credits.limit ?? null } }),
    source,
    added_at: addedMs === undefined ? null : isoTime(addedMs),
    proxy: proxy ?? null,
    session_renewed_at: renewedMs === undefined ? null : isoTime(renewedMs),
    session_ends_at: endsMs === undefined ? null : isoTime(endsMs),
    ...(twinOf !== undefined && { duplicate_of: twinOf }),
  }
}

/** A device login as `/admin/accounts/login` shows it: what fetches the key is not in it. */
export const encodeLogin = ({ id, status, authUrl, expiresMs, account }: DeviceLoginView) => ({
  object: 'login',
  id,
  status,
  auth_url: authUrl,
  expires_at: isoTime(expiresMs),
  ...(account && { account: encodeAccount(account) }),
})

/** One that is put aside for another reason than its session says which. */
const stateOf = (hold: AccountView['hold']): string =>
  (hold?.type === 'signed-out' ? hold.reason : undefined) ?? hold?.type ?? 'usable'

export const encodeAccountList = (views: readonly AccountView[]) => ({
  object: 'list',
  data: views.map(encodeAccount),
})

/** Accounts that were there already are listed apart, so that nothing that was pasted goes by unseen. */
export function encodeAdded(added: readonly AddedView[], notices: readonly string[]) {
  const viewsOf = (outcome: AddedView['outcome']) =>
    added.filter((each) => each.outcome === outcome).map(({ view }) => encodeAccount(view))
  const [data, replaced, duplicates] = [viewsOf('added'), viewsOf('replaced'), viewsOf('already-there')]
  return { object: 'list', data, replaced, duplicates, notices }
}

export interface UsageRange {
  readonly sinceMs: number
  readonly untilMs: number
}

const dayMs = 24 * 60 * 60 * 1000
const time = z.union([z.iso.datetime({ offset: true }), z.iso.date()])

/** Reads `?from=...&to=...` of `/admin/usage`: ISO 8601 with a zone, or a day in UTC. By default a day, until now.
 *  @throws {InvalidRequestError} `invalid_value` */
export function parseUsageRange({ from, to }: { from?: unknown; to?: unknown }, nowMs: number): UsageRange {
  const untilMs = parseTime(to, 'to') ?? nowMs
  const sinceMs = parseTime(from, 'from') ?? untilMs - dayMs
  if (sinceMs > untilMs) throw invalidValue('from', 'must not be later than `to`')
  return { sinceMs, untilMs }
}

function parseTime(value: unknown, param: string): number | undefined {
  if (value === undefined || value === '') return undefined
  const { data } = time.safeParse(value)
  if (data === undefined)
    throw invalidValue(param, 'must be a time as in ISO 8601, such as 2026-11-23T00:00:00Z')
  return Date.parse(data)
}

/** What `/admin/usage` shows: the whole hours that the range touches. An hour with too many names has the rest of them as `other`.
 *  @param nameOf  of a key, by its label */
export const encodeUsageCounts = (
  { sinceMs, untilMs }: UsageRange,
  rows: readonly CountRow[],
  nameOf: (caller: string) => string | undefined = () => undefined,
) => ({
  object: 'list',
  from: isoTime(sinceMs),
  to: isoTime(untilMs),
  data: rows.map((row) => ({ ...encodeRow(row), key_name: nameOf(row.caller) ?? null })),
})

const encodeRow = ({ hourMs, account, model, caller, succeeded, failed, abandoned }: CountRow) => ({
  hour: isoTime(hourMs),
  account: account === otherLabel ? otherLabel : accountLabel(account),
  model,
  caller: caller || null,
  succeeded,
  failed,
  abandoned,
})

const isoTime = (ms: number): string => new Date(ms).toISOString()
