import { z } from 'zod'
import { type Account, createAccount, createApiKeyAccount } from '../core/account.ts'

/** An account as it is kept in the store: one that was added at run time, or what changed of one of the settings. */
export type AccountRecord = z.infer<typeof recordSchema>

const secretSchema = z.object({ kind: z.enum(['cookie', 'api-key']), value: z.string().min(1) })

const recordSchema = z.object({
  /** Key of the account of the settings in whose place this stands. */
  standsFor: z.string().optional(),
  /** Absent: that of the settings. */
  secret: secretSchema.optional(),
  /** `null`: none of its own, whatever the settings say. Absent: that of the settings. */
  proxyUrl: z.string().nullish(),
  /** The operator's words. */
  note: z.string().optional(),
  paused: z.boolean().optional(),
  /** Taken out of the pool for good; the settings alone do not bring it back. */
  removed: z.boolean().optional(),
  addedMs: z.number().optional(),
  /** Keys that it had before its secret was replaced, newest first. */
  formerKeys: z.array(z.string()).optional(),
})

/** @returns undefined when the text is none of ours */
export function decodeRecord(text: string): AccountRecord | undefined {
  try {
    return recordSchema.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

export const encodeRecord = (record: AccountRecord): string => JSON.stringify(record)

export function secretOf(account: Account): AccountRecord['secret'] {
  return account.kind === 'cookie'
    ? { kind: account.kind, value: account.cookie }
    : { kind: account.kind, value: account.apiKey }
}

/** The account that a record makes. @param base  the account of the settings that it stands for
 *  @returns undefined when it makes none: removed, or its account left the settings */
export function accountOf(record: AccountRecord, base: Account | undefined): Account | undefined {
  const secret = record.secret ?? (base && secretOf(base))
  if (record.removed || !secret) return undefined
  const proxyUrl = (record.proxyUrl === undefined ? base?.proxyUrl : record.proxyUrl) ?? undefined
  return secret.kind === 'cookie'
    ? createAccount(secret.value, proxyUrl)
    : createApiKeyAccount(secret.value, proxyUrl)
}
