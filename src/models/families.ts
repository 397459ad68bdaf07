/** A model that stands in for a name of its family that is not known: the newest. */
export interface FamilyMember {
  readonly id: string
}

/** Chooses by the family of a name, which its vendor's models share. Pure.
 *  @param name  in lower case, without vendor and date
 *  @param known  the names of today
 *  @returns undefined for a name of no family */
export function newestOfFamily<Member extends FamilyMember>(
  name: string,
  known: Iterable<Member>,
): Member | undefined {
  const pattern = familyOf(name)
  if (!pattern) return undefined
  let newest: { member: Member; version: number } | undefined
  for (const member of known) {
    const found = pattern.exec(member.id.toLowerCase())
    if (!found) continue
    const version = versionOf(found.slice(1))
    if (!newest || version > newest.version) newest = { member, version }
  }
  return newest?.member
}

/** The first that matches; the pattern is of the members, with the parts of their version. */
const families: readonly (readonly [name: RegExp, members: RegExp])[] = [
  [/^(?:gpt|o\d)(?=.*\bmini\b)/, /^gpt-(\d+)(?:\.(\d+))?-mini$/],
  [/^gpt(?=.*\bnano\b)/, /^gpt-(\d+)(?:\.(\d+))?-nano$/],
  [/^gpt(?=.*\bsol\b)/, /^gpt-(\d+)(?:\.(\d+))?-sol$/],
  [/^gpt(?=.*\bterra\b)/, /^gpt-(\d+)(?:\.(\d+))?-terra$/],
  [/^gpt(?=.*\bluna\b)/, /^gpt-(\d+)(?:\.(\d+))?-luna$/],
  [/^(?:gpt|o\d)(?=.*\bpro\b)/, /^gpt-(\d+)(?:\.(\d+))?-pro$/],
  [/^(?:gpt|chatgpt|codex|o\d)\b/, /^gpt-(\d+)(?:\.(\d+))?$/],
  [/^(?:claude\b.*)?haiku\b|^claude-instant/, /^claude-(?:haiku-)?(\d+)(?:-(\d+))?(?:-haiku)?$/],
  [/^(?:claude\b.*)?opus/, /^claude-opus-(\d+)(?:-(\d+))?$/],
  [/^(?:claude|sonnet)\b/, /^claude-sonnet-(\d+)(?:-(\d+))?$/],
  [/^gemini\b.*\blite\b/, /^gemini-(\d+)(?:\.(\d+))?-flash-lite(?:-preview)?$/],
  [/^gemini\b.*\bflash\b/, /^gemini-(\d+)(?:\.(\d+))?-flash(?:-preview)?$/],
  [/^gemini\b/, /^gemini-(\d+)(?:\.(\d+))?-pro(?:-preview)?$/],
  [/^grok\b/, /^grok-(\d+)(?:\.(\d+))?$/],
  [/^kimi\b|^moonshot\b/, /^kimi-k(\d+)(?:\.(\d+))?$/],
  [/^(?:chat)?glm\b/, /^glm-(\d+)(?:[.p](\d+))?$/],
  [/^deep-?seek\b.*(?:\br\d|reason|think|\bpro\b)/, /^deep-seek-v(\d+)(?:\.(\d+))?-pro$/],
  [/^deep-?seek\b/, /^deep-seek-v(\d+)(?:\.(\d+))?-flash$/],
  [/^minimax\b/, /^minimax-m(\d+)(?:\.(\d+))?$/],
  [/^nemotron\b/, /^nemotron-(\d+)(?:\.(\d+))?-ultra$/],
  [/^muse\b/, /^muse-spark-(\d+)(?:\.(\d+))?$/],
]

const familyOf = (name: string): RegExp | undefined =>
  notChat.test(name) ? undefined : families.find(([pattern]) => pattern.test(name))?.[1]

/** What no chat can be asked of. */
const notChat =
  /\bembed|embedding|\btts\b|whisper|moderation|transcribe|\brealtime\b|\brerank|\bbge-|\bimage\b|\bimagen|dall-?e|\bvideo\b|\bveo\b|\bsora\b/

/** Names that clients send to other routes: as a chat they would be answered by a model of chats. */
export const isOtherService = (name: string): boolean =>
  /\bembed|embedding|\btts\b|whisper|moderation|transcribe|\brerank|\bbge-/.test(name)

const versionOf = ([major = '0', minor = '0']: readonly (string | undefined)[]): number =>
  Number(major) * 1000 + Number(minor)

/** The name without what clients put in front of it and behind it: the vendor, a date, the size of the window, how it is hosted. */
export function bareName(name: string): string {
  return name
    .trim()
    .toLowerCase()
    .replace(/^models\//, '')
    .replace(/^(?:[\w.@-]+\/)+(?=[\w.-]+)/, '')
    .replace(/^(?:(?:us|eu|apac|global)\.)?(?:anthropic|openai|google|meta|xai)\./, '')
    .replace(/\[\w+\]$/, '')
    .replace(/(?:-v\d+)?:[\w.-]+$/, '')
    .replace(/@(?:\d{8}|latest)$/, '')
    .replace(/-(?:\d{8}|\d{4}-\d{2}-\d{2}|latest)$/, '')
}
