import { errorsTable } from './error-table.ts'
import type { Language } from './markdown-table.ts'
import { acceptedModelsTable, shownModelsTable } from './model-tables.ts'
import { groupedSettings, mainSettings, settingsTable } from './settings-table.ts'

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
      tables: { 'main-settings': settingsTable(language, mainSettings) },
    },
    { path: `docs/ERRORS${suffix}.md`, tables: { errors: errorsTable(language) } },
    { path: `docs/SETTINGS${suffix}.md`, tables: { settings: groupedSettings(language) } },
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

/** The same text with each table between its two marks. @throws {Error} for a mark that is not there */
export function fillTables(text: string, tables: Readonly<Record<string, string>>): string {
  let filled = text
  for (const [name, table] of Object.entries(tables)) {
    const between = new RegExp(`(?<=<!-- ${name} -->\n).*?(?=<!-- /${name} -->)`, 's')
    if (!between.test(filled)) throw new Error(`there is no <!-- ${name} --> … <!-- /${name} -->`)
    filled = filled.replace(between, () => table)
  }
  return filled
}
