/** The catalogue's spelling of a name: in lower case, `deepseek` as `deep-seek`, without a date, a `-latest` or, in
 *  Anthropic's names, a dot. The name itself wins over its variants.
 *  @returns undefined when no spelling is known */
export function normaliseModelName(name: string, isKnown: (id: string) => boolean): string | undefined {
  const plain = name.trim().toLowerCase()
  const candidates = [plain, withoutDate(plain)]
  for (const id of [...candidates]) {
    if (id.startsWith('claude')) candidates.push(id.replaceAll('.', '-'))
    if (id.startsWith('deepseek')) candidates.push(id.replace('deepseek', 'deep-seek'))
  }
  return candidates.find(isKnown)
}

/** `claude-sonnet-4-5-20250929`, `gpt-4o-2024-08-06`, `claude-3-5-haiku-latest` */
const withoutDate = (id: string): string => id.replace(/-(?:\d{8}|\d{4}-\d{2}-\d{2}|latest)$/, '')
