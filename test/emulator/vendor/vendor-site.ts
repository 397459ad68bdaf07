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
}

export const createVendorSite = (): VendorSite => ({
  script: undefined,
  asks: [],
  badKeys: new Set(),
  spentKeys: new Set(),
})

/** Whose an API key's tasks and files are. */
export const keyOwner = (apiKey: string): string => `key ${apiKey}`
