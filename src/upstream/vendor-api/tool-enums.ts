import type { ApiKeyAccount } from '../../core/account.ts'
import { isRecord } from '../decode-parts.ts'
import { callSite, type SiteAccess } from '../site-calls.ts'

/** The values that the tools take, as the list of a key has them: by tool, then by parameter. Source: WIRE 11.3 */
export type ToolEnums = ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>

export interface ToolEnumsOfKeys {
  /** Reads the list of the key; where it cannot be had what is known stays. Never rejects. */
  refresh(access: SiteAccess, account: ApiKeyAccount, signal: AbortSignal): Promise<void>
  /** @returns undefined where it is not known: what the vendor has published counts then */
  of(accountKey: string): ToolEnums | undefined
}

export function createToolEnums(): ToolEnumsOfKeys {
  const known = new Map<string, ToolEnums>()

  return {
    async refresh(access, account, signal) {
      const path = '/api/tool_cli/tools'
      const answer = await callSite(access, { path, account, signal }).catch(() => undefined)
      if (!answer || !Array.isArray(answer.tools)) return
      known.set(account.key, new Map(answer.tools.flatMap(enumsOf)))
      const [oldest] = known.keys()
      if (known.size > maxKeys && oldest !== undefined) known.delete(oldest)
    },
    of: (accountKey) => known.get(accountKey),
  }
}

const maxKeys = 1000

function enumsOf(tool: unknown): [string, ReadonlyMap<string, readonly string[]>][] {
  if (!isRecord(tool) || typeof tool.name !== 'string' || !isRecord(tool.parameters)) return []
  const { properties } = tool.parameters
  const values = Object.entries(isRecord(properties) ? properties : {}).flatMap(([name, schema]) =>
    isRecord(schema) && Array.isArray(schema.enum)
      ? [[name, schema.enum.filter((value) => typeof value === 'string')] as const]
      : [],
  )
  return [[tool.name, new Map(values)]]
}
