import { lstatSync, readFileSync } from 'node:fs'

/** What is wrong with a `.env`, as one line each; none quotes a value. */
export class DotenvError extends Error {
  readonly faults: readonly string[]

  constructor(faults: readonly string[]) {
    super(`wrong .env: ${faults.join('; ')}`)
    this.name = 'DotenvError'
    this.faults = faults
  }
}

/** Reads the settings of a `.env` file; none when there is no such file. Stricter than `process.loadEnvFile`, which leaves out in
 *  silence what it does not understand: without the line of API_SECRET the service would be open to all.
 *  @throws {DotenvError} when it is there and cannot be read, or holds a line that is neither a comment nor `NAME=value` */
export function readDotenv(path: string): ReadonlyMap<string, string> {
  const bytes = readIfPresent(path)
  return bytes ? parseDotenv(bytes, path) : new Map()
}

function readIfPresent(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' && !isThere(path)) return undefined
    throw new DotenvError([`${path} ${unreadable[code ?? ''] ?? `cannot be read (${code})`}`])
  }
}

const unreadable: Readonly<Record<string, string>> = {
  EISDIR:
    'is a folder, not a file: Docker makes one where the file of a bind mount is missing. Remove it, or put the file there',
  EACCES: 'may not be read by the user that the service runs as: change its owner or its mode',
  EPERM: 'may not be read by the user that the service runs as: change its owner or its mode',
  ENOENT: 'is a link to a file that is missing',
}

/** A link without a target is there, too: somebody meant to have settings. */
function isThere(path: string): boolean {
  try {
    lstatSync(path)
    return true
  } catch {
    return false
  }
}

/** One setting a line, as shells, Docker and Node write it: `NAME=value`, `export NAME=value`, quotes of three kinds (between which
 *  a value may go on over lines), `#` for a comment at the start of a line or after a blank.
 *  @throws {DotenvError} */
export function parseDotenv(bytes: Buffer, path = '.env'): ReadonlyMap<string, string> {
  if (isUtf16(bytes)) throw new DotenvError([`${path} is in UTF-16 or no text: save it as UTF-8`])
  const lines = bytes.toString('utf8').split(/\r\n|\r|\n/)
  const found = new Map<string, string>()
  const lineOf = new Map<string, number>()
  const faults: string[] = []
  const fault = (index: number, problem: string) => faults.push(`${path}, line ${index + 1}: ${problem}`)

  for (let index = 0; index < lines.length; index += 1) {
    // `trim` also takes off a byte order mark, and the no-break blanks that come with what is copied from a web page.
    const line = (lines[index] ?? '').trim()
    if (line === '' || line.startsWith('#')) continue
    const [, name, rest = ''] = assignment.exec(line) ?? []
    if (name === undefined) {
      fault(index, 'is neither a comment nor NAME=value')
      continue
    }
    const start = index
    let value: string
    const quote = /^["'`]/.exec(rest)?.[0]
    if (quote) {
      let text = rest.slice(1)
      while (!text.includes(quote) && index + 1 < lines.length) {
        index += 1
        text += `\n${lines[index]}`
      }
      const end = text.indexOf(quote)
      if (end === -1) {
        fault(start, `the value of ${name} begins with a quote that does not end`)
        // The lines that the open quote took in may be wrong, too.
        index = start
        continue
      }
      if (!/^\s*(#.*)?$/.test(text.slice(end + 1)))
        fault(start, `the value of ${name} goes on after its closing quote`)
      value = text.slice(0, end)
      if (quote === '"') value = value.replaceAll('\\n', '\n')
    } else {
      value = rest.replace(/(^|\s+)#.*$/, '').trim()
      if (hasLooseQuote(value)) fault(start, `the value of ${name} ends with a quote that does not begin`)
    }
    if (value.includes('\uFFFD')) fault(start, `the value of ${name} is not UTF-8: save the file as UTF-8`)
    const earlier = found.get(name)
    if (earlier !== undefined && earlier !== value)
      fault(start, `${name} has another value than in line ${lineOf.get(name)}: keep one of them`)
    found.set(name, value)
    lineOf.set(name, start + 1)
  }
  if (faults.length > 0) throw new DotenvError(faults)
  return found
}

const assignment = /^(?:export\s+)?([A-Za-z_][\w.-]*)\s*=\s*(.*)$/

/** Text in UTF-8 holds no NUL, text in UTF-16 hardly ever goes without. */
function isUtf16(bytes: Buffer): boolean {
  const [first, second] = bytes
  return (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff) || bytes.includes(0)
}

function hasLooseQuote(value: string): boolean {
  const last = value.at(-1)
  return (last === '"' || last === "'") && value.split(last).length % 2 === 0
}
