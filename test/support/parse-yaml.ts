import { parseAllDocuments } from 'yaml'
import { z } from 'zod'

const mapping = z.record(z.string(), z.unknown())

/** The documents of a YAML text, each a mapping.
 *  @throws {Error} of the first fault in it */
export function parseYamlDocuments(text: string): readonly Record<string, unknown>[] {
  return [...parseAllDocuments(text, { merge: true })].map((document) => {
    for (const error of document.errors) throw error
    return mapping.parse(document.toJS())
  })
}

/** @throws {Error} when it does not parse, or holds more or less than one document */
export function parseYaml(text: string): Record<string, unknown> {
  const [document, ...others] = parseYamlDocuments(text)
  if (!document || others.length > 0) throw new Error('one document is expected')
  return document
}
