import { basename, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { projectFolder } from './tools.ts'

export interface Options {
  readonly suites: readonly string[]
  /** Instead of each suite's own number. */
  readonly rounds: number | undefined
  readonly targets: readonly { readonly name: string; readonly folder: string }[]
  /** Of the suite soak. */
  readonly requests: number
  /** Of the suite fan-out, its larger step. */
  readonly streams: number
  readonly profileFolder: string | undefined
  /** Whether the report goes to docs/bench. */
  readonly write: boolean
  readonly json: boolean
  readonly help: boolean
}

export class UsageError extends Error {}

/** @param known  the names of all suites, in the order in which they run
 *  @param quick  those that run when none is named
 *  @throws {UsageError} */
export function parseOptions(
  args: readonly string[],
  known: readonly string[],
  quick: readonly string[],
): Options {
  const { values, positionals } = parse(args)
  for (const name of positionals) {
    if (name !== 'all' && !known.includes(name))
      throw new UsageError(`no suite ${name}; there are ${known.join(', ')}`)
  }
  const chosen = positionals.includes('all') ? known : positionals.length > 0 ? positionals : quick
  return {
    suites: known.filter((name) => chosen.includes(name)),
    rounds: values.rounds === undefined ? undefined : wholeNumber('rounds', values.rounds),
    targets: (values.target ?? [`this=${projectFolder}`]).map(parseTarget),
    requests: wholeNumber('requests', values.requests ?? '200000'),
    streams: wholeNumber('streams', values.streams ?? '3000'),
    profileFolder: values.profile,
    write: values.write ?? false,
    json: values.json ?? false,
    help: values.help ?? false,
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        rounds: { type: 'string' },
        target: { type: 'string', multiple: true },
        requests: { type: 'string' },
        streams: { type: 'string' },
        profile: { type: 'string' },
        write: { type: 'boolean' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    })
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function parseTarget(text: string): { name: string; folder: string } {
  const [, name, folder = text] = /^([\w.-]+)=(.+)$/.exec(text) ?? []
  return { name: name ?? basename(resolve(folder)), folder: resolve(folder) }
}

function wholeNumber(name: string, text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new UsageError(`--${name} takes a whole number, not ${text}`)
  return Number(text)
}
