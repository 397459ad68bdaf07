import type { Model } from '../../../src/models/catalogue.ts'
import { builtInModels } from '../../../src/models/catalogue.ts'
import type { ModelKind } from '../../../src/models/models.ts'
import type { Language } from './markdown-table.ts'
import { code, markdownTable } from './markdown-table.ts'

const models = builtInModels()

const heads = {
  en: ['name', '`agent` is asked for', '`copilot` is asked for'],
  'zh-CN': ['名称', '向 `agent` 请求', '向 `copilot` 请求'],
} as const satisfies Record<Language, readonly string[]>

const kindHeads = { en: 'kind', 'zh-CN': '种类' } as const satisfies Record<Language, string>

const kindNames = {
  en: { text: 'text', image: 'image', video: 'video' },
  'zh-CN': { text: '文本', image: '图片', video: '视频' },
} as const satisfies Record<Language, Record<ModelKind, string>>

/** The models of a kind that `GET /v1/models` shows. */
export function shownModelsTable(language: Language, kind: ModelKind): string {
  const shown = models.filter((model) => model.entry && model.kind === kind)
  return markdownTable(heads[language], shown.map(asked))
}

/** Names that are accepted and not shown. */
export function acceptedModelsTable(language: Language): string {
  const [name, ...rest] = heads[language]
  const rows = models.flatMap((model) => {
    const [id = '', ...ids] = asked(model)
    return model.entry ? [] : [[id, kindNames[language][model.kind], ...ids]]
  })
  return markdownTable([name, kindHeads[language], ...rest], rows)
}

function asked({ id, upstreamIds, keysOnly }: Model): readonly string[] {
  if (keysOnly) return [code(id), 'API', 'API']
  return [code(id), upstreamIds.agent.map(code).join(', '), upstreamIds.copilot.map(code).join(', ')]
}
