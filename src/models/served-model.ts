/** Whether the model that the site names is one of those asked for. Tells apart models, not spellings: a date at the end, a vendor
 *  in front, and the order of words are matters of taste. Of a mixture any model may sign the answer. Pure.
 *  Source: WIRE 7.5, 9.4 */
export function isServedAsAsked(
  served: string,
  { ids, mixture }: { readonly ids: readonly string[]; readonly mixture: boolean },
): boolean {
  if (mixture || ids.length !== 1) return true
  const [asked = ''] = ids
  return asked === served || canonicalName(asked) === canonicalName(served)
}

/** Numbers keep their order, words do not: `claude-4-5-haiku` is `claude-haiku-4-5`, `gpt-4.5` is not `gpt-5.4`. */
export function canonicalName(name: string): string {
  const parts = name
    .toLowerCase()
    .replace(/^.*\//, '')
    .replace(/deep-seek/, 'deepseek')
    .replace(/[-@](?:20\d{6}|20\d\d-\d\d-\d\d|latest)$/, '')
    .split(/[-_.\s:]+/)
  const words = parts.filter((part) => !/^\d/.test(part)).sort()
  const numbers = parts.filter((part) => /^\d/.test(part))
  return [...words, ...numbers].join(' ')
}
