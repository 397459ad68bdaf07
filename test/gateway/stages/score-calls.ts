import { type Call, type CorpusEntry, corpusTools } from '../../fixtures/calls/corpus.ts'
import { answer, type Outcome, run, tools } from './support.ts'

export interface Score {
  readonly meant: number
  readonly hits: number
  /** Of the hits, those that took another ask. */
  readonly asked: number
  readonly quoted: number
  readonly falseAlarms: number
  /** Each entry that did not come out as it should, and at which split. */
  readonly faults: readonly string[]
}

/** Runs every entry in every split: at each chunk size, and in two at (about) every place. An entry counts only if all of them
 *  come out alike. A model that is asked again writes the call as it was taught, or says the same once more if it meant none. */
export async function scoreCalls(entries: readonly CorpusEntry[]): Promise<Score> {
  let [meant, hits, asked, quoted, falseAlarms] = [0, 0, 0, 0, 0]
  const faults: string[] = []
  for (const entry of entries) {
    let fault: string | undefined
    let didAsk = false
    let didCall = false
    for (const [split, texts] of splitsOf(entry.text)) {
      const outcome = await tryEntry(entry, texts)
      if (typeof outcome !== 'string') {
        didAsk ||= outcome.asked.length > 0
        didCall ||= outcome.answer.some((part) => typeof part !== 'string')
      }
      const found = typeof outcome === 'string' ? outcome : findFault(entry, outcome)
      if (found !== undefined) fault ??= `${entry.kind}: ${entry.note} (${split}): ${found}`
    }
    if (fault !== undefined) faults.push(fault)
    if (entry.kind === 'none') {
      quoted += 1
      if (didCall) falseAlarms += 1
    } else {
      meant += 1
      if (fault === undefined) hits += 1
      if (fault === undefined && didAsk) asked += 1
    }
  }
  return { meant, hits, asked, quoted, falseAlarms, faults }
}

async function tryEntry(entry: CorpusEntry, texts: readonly string[]): Promise<Outcome | string> {
  const again = entry.kind === 'none' ? entry.text : entry.calls.map(writeCall).join('\n')
  try {
    return await run([answer(texts), answer([again])], tools({ definitions: corpusTools }))
  } catch (error) {
    return String(error)
  }
}

function findFault(entry: CorpusEntry, { answer: parts, finished }: Outcome): string | undefined {
  const said = parts.filter((part) => typeof part === 'string').join('')
  const calls = parts.flatMap((part) => (typeof part === 'string' ? [] : [[part.name, part.arguments]]))
  const wanted = JSON.stringify(entry.calls.map(([name, args]) => [name, args]))
  if (JSON.stringify(calls) !== wanted) return `called ${JSON.stringify(calls).slice(0, 200)}`
  if (finished?.reason !== (entry.calls.length > 0 ? 'tool-calls' : 'stop'))
    return `ended by ${finished?.reason}`
  // An answer that was mended has its calls instead of what could not be read.
  if (entry.kind !== 'ask' && said.trimEnd() !== entry.said.trimEnd()) return `said ${said.slice(0, 200)}`
  return undefined
}

const writeCall = ([name, args]: Call): string =>
  `<tool_call>${JSON.stringify({ name, arguments: args })}</tool_call>`

function* splitsOf(text: string): Generator<readonly [string, readonly string[]]> {
  yield ['whole', [text]]
  const sizes = text.length > 2000 ? [7, 100, 5000] : [1, 2, 3, 5, 8, 13]
  for (const size of sizes) yield [`chunks of ${size}`, chunksOf(text, size)]
  const step = Math.max(1, Math.floor(text.length / 300))
  if (text.length <= 2000)
    for (let at = 1; at < text.length; at += step) yield [`cut at ${at}`, [text.slice(0, at), text.slice(at)]]
}

function chunksOf(text: string, size: number): readonly string[] {
  const chunks: string[] = []
  for (let at = 0; at < text.length; at += size) chunks.push(text.slice(at, at + size))
  return chunks
}

export function tableOf(parts: Readonly<Record<string, Score>>): string {
  const rows = Object.entries(parts).map(
    ([name, { meant, hits, asked, quoted, falseAlarms }]) =>
      `| ${name} | ${hits} of ${meant} (${((100 * hits) / meant).toFixed(1)} %) | ${asked} | ${falseAlarms} of ${quoted} |`,
  )
  return [
    '| part | meant calls | of them after another ask | false alarms |',
    '|---|---|---|---|',
    ...rows,
  ].join('\n')
}
