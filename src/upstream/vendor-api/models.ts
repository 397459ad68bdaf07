import type { ApiKeyAccount } from '../../core/account.ts'
import { UpstreamError } from '../../core/errors.ts'
import type { KeyModel } from '../../core/key-model.ts'
import { isCount, isRecord } from '../decode-parts.ts'
import { callSite, type SiteAccess } from '../site-calls.ts'

/** The models that the key is served, with what the vendor's catalogue tells of them. The list says which there are, the catalogue
 *  what they are like; either is enough where the other cannot be had. Costs no credits. Source: WIRE 11.3
 *  @throws {UpstreamError} when neither can be had */
export async function fetchKeyModels(
  access: SiteAccess,
  account: ApiKeyAccount,
  signal: AbortSignal,
): Promise<readonly KeyModel[]> {
  const [list, catalogue] = await Promise.allSettled([
    fetchKeyModelIds(access, account, signal),
    fetchKeyCatalogue(access, account, signal),
  ])
  if (list.status === 'rejected') {
    if (catalogue.status === 'rejected' || catalogue.value.size === 0) throw list.reason
    return [...catalogue.value.values()]
  }
  const facts = catalogue.status === 'fulfilled' ? catalogue.value : new Map<string, KeyModel>()
  return [...new Set(list.value)].slice(0, maxModels).map((id) => facts.get(id) ?? { id })
}

const maxModels = 500

/** The ids that the key is served. @throws {UpstreamError} */
export async function fetchKeyModelIds(
  access: SiteAccess,
  account: ApiKeyAccount,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { data } = await callSite(access, { path: '/api/llm_proxy/v1/models', account, signal })
  if (!Array.isArray(data)) throw new UpstreamError('malformed')
  return data.flatMap((model: unknown) =>
    isRecord(model) && typeof model.id === 'string' && plausibleId.test(model.id) ? [model.id] : [],
  )
}

const plausibleId = /^[\w.:/@-]{1,200}$/

/** By their ids, of all the providers of the file that the vendor's command line writes for OpenCode. */
async function fetchKeyCatalogue(
  access: SiteAccess,
  account: ApiKeyAccount,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, KeyModel>> {
  const { provider } = await callSite(access, { path: '/api/tool_cli/opencode-config', account, signal })
  const providers = isRecord(provider) ? Object.values(provider) : []
  const models = new Map<string, KeyModel>()
  for (const each of providers) {
    if (!isRecord(each) || !isRecord(each.models)) continue
    for (const [id, facts] of Object.entries(each.models).slice(0, maxModels))
      if (plausibleId.test(id) && isRecord(facts)) models.set(id, parseFacts(id, facts))
  }
  return models
}

function parseFacts(id: string, facts: Readonly<Record<string, unknown>>): KeyModel {
  const { name, limit, modalities, reasoning, variants, cost } = facts
  const limits = isRecord(limit) ? limit : {}
  const inputs = isRecord(modalities) && Array.isArray(modalities.input) ? modalities.input : undefined
  const efforts = isRecord(variants)
    ? Object.entries(variants).map(([level, variant]) =>
        isRecord(variant) && typeof variant.reasoningEffort === 'string' ? variant.reasoningEffort : level,
      )
    : reasoning === false
      ? []
      : undefined
  return {
    id,
    ...(typeof name === 'string' && name !== '' && { displayName: name.slice(0, 100) }),
    ...(isCount(limits.context) && limits.context > 0 && { contextLength: limits.context }),
    ...(isCount(limits.output) && limits.output > 0 && { maxOutputTokens: limits.output }),
    ...(inputs && { takesPictures: inputs.includes('image') }),
    ...(efforts && { efforts }),
    ...(isRecord(cost) && { cost: figuresOf(cost) }),
  }
}

/** Which figures there are is not known: all of them. */
const figuresOf = (cost: Readonly<Record<string, unknown>>): Readonly<Record<string, number>> =>
  Object.fromEntries(
    Object.entries(cost).flatMap(([name, figure]) =>
      typeof figure === 'number' && Number.isFinite(figure) ? [[name, figure]] : [],
    ),
  )
