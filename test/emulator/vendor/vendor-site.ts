import type { KeyModel } from './key-models.ts'
import type { VendorAsk } from './vendor-ask.ts'
import type { VendorScript } from './vendor-scenario.ts'

/** What the routes that take API keys share. */
export interface VendorSite {
  script: VendorScript | undefined
  readonly asks: VendorAsk[]
  /** Keys that are refused; every other is good. */
  readonly badKeys: Set<string>
  /** Keys without credits. */
  readonly spentKeys: Set<string>
  /** Keys that meet the credit wall on chats and tools (WIRE 11.9). */
  readonly walls: Map<string, CreditWall>
  /** Of keys that are served other models than most. */
  readonly models: Map<string, readonly KeyModel[]>
  /** Models of tools that the key is not offered. */
  readonly toolModelsGone: Set<string>
  /** Device logins, by their code: the key once it is approved, `expired` or nothing. */
  readonly deviceLogins: Map<string, string | undefined>
}

export interface CreditWall {
  readonly code: 'free_plan_block' | 'credit_exhausted'
  /** A chat that asked for a stream is answered by one, or by a whole completion. Default: a stream. */
  readonly asJson?: boolean
  /** A proxy on the way took the header: the mark in the body is left. */
  readonly withoutHeader?: boolean
  readonly headers?: Readonly<Record<string, string>>
}

export const createVendorSite = (): VendorSite => ({
  script: undefined,
  asks: [],
  badKeys: new Set(),
  spentKeys: new Set(),
  walls: new Map(),
  models: new Map(),
  toolModelsGone: new Set(),
  deviceLogins: new Map(),
})

/** Whose an API key's tasks and files are. */
export const keyOwner = (apiKey: string): string => `key ${apiKey}`
