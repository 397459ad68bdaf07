import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export const root = join(import.meta.dirname, '../..')

/** @param path  from the top of the project */
export const readDocument = (path: string): string => readFileSync(join(root, path), 'utf8')

const fenced = /^( *)```(\S*).*\n([\s\S]*?)^ *```$/gm

/** The blocks of a language, `''` those of none, without their fences. */
export function codeBlocks(text: string, language: string): readonly string[] {
  return [...text.matchAll(fenced)].flatMap(([, , own = '', code = '']) => (own === language ? [code] : []))
}

export const withoutCode = (text: string): string => text.replace(fenced, '')

/** Everything from a heading to the next one of its level or above, without the heading. */
export function section(text: string, heading: string): string {
  const [marks = ''] = /^#+/.exec(heading) ?? []
  const [, rest = ''] = text.split(`\n${heading}\n`)
  return rest.split(new RegExp(`^#{1,${marks.length}} `, 'm'))[0] ?? ''
}

/** The anchors that GitHub gives the headings of a document. */
export function anchors(text: string): ReadonlySet<string> {
  const times = new Map<string, number>()
  const titles = [...withoutCode(text).matchAll(/^#+ +(.+?)\s*$/gm)].map(([, title = '']) => title)
  return new Set(
    titles.map((title) => {
      const slug = slugOf(title)
      const earlier = times.get(slug) ?? 0
      times.set(slug, earlier + 1)
      return earlier === 0 ? slug : `${slug}-${earlier}`
    }),
  )
}

const slugOf = (title: string): string =>
  title
    .toLowerCase()
    .replaceAll(/[^\p{Letter}\p{Number}\s_-]/gu, '')
    .replaceAll(' ', '-')

/** Targets of all links and pictures, web addresses included. */
export function links(text: string): readonly string[] {
  const prose = withoutCode(text).replaceAll(/`[^`\n]+`/g, '')
  return [...prose.matchAll(/\]\(([^()\s]+)\)/g)].map(([, target = '']) => target)
}
