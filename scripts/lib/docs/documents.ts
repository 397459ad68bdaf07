import { errorsTable } from './error-table.ts'
import type { Language } from './language.ts'
import { mainSettings } from './main-settings.ts'
import { acceptedModelsTable, shownModelsTable } from './model-tables.ts'
import { settingsTable } from './settings-table.ts'

export interface Document {
  /** From the top of the project. */
  readonly path: string
  /** What stands between `<!-- NAME -->` and `<!-- /NAME -->`, by name. */
  readonly tables: Readonly<Record<string, string>>
}

/** Every document that has parts made from the code. */
export function documents(): readonly Document[] {
  return (['en', 'zh-CN'] as const).flatMap(documentsIn)
}

function documentsIn(language: Language): Document[] {
  const suffix = language === 'en' ? '' : `.${language}`
  return [
    {
      path: language === 'en' ? 'README.md' : `docs/README${suffix}.md`,
      tables: { 'main-settings': settingsTable(language, mainSettings), errors: errorsTable(language) },
    },
    { path: `docs/SETTINGS${suffix}.md`, tables: { settings: settingsTable(language) } },
    {
      path: `docs/MODELS${suffix}.md`,
      tables: {
        'text-models': shownModelsTable(language, 'text'),
        'image-models': shownModelsTable(language, 'image'),
        'video-models': shownModelsTable(language, 'video'),
        'accepted-models': acceptedModelsTable(language),
      },
    },
  ]
}
