import { callSite, type SiteAccess } from './call-site.ts'
import { isRecord } from './parse-event.ts'
import type { ModelLists } from './upstream.ts'

/** Contract: `Upstream.modelLists`. Hidden models are served but not listed. Source: UPSTREAM 5.8 */
export async function fetchModelLists(access: SiteAccess, signal: AbortSignal): Promise<ModelLists> {
  const [text, media] = await Promise.all([
    callSite(access, { path: '/api/moa_models_config', account: undefined, signal }),
    callSite(access, { path: '/api/models_config', account: undefined, signal }),
  ])
  return { text: namesIn(text, 'models'), image: namesIn(media, 'image_models') }
}

/** The list stands at the top or in `data`. */
function namesIn(answer: Readonly<Record<string, unknown>>, key: string): readonly string[] {
  const list = answer[key] ?? (isRecord(answer.data) ? answer.data[key] : undefined)
  if (!Array.isArray(list)) return []
  return list.flatMap((model: unknown) => {
    if (!isRecord(model) || model.hidden === true) return []
    return typeof model.name === 'string' && model.name !== '' ? [model.name] : []
  })
}
