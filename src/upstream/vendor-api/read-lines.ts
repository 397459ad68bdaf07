import { UpstreamError } from '../../core/errors.ts'

/** A result holds URLs, not files. */
const maxLineLength = 1024 * 1024

/** The lines of a body, without empty ones; the last may lack its line feed. @throws {UpstreamError} `event-too-large` */
export async function* readLines(reads: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const read of reads) {
    const lines = (rest + decoder.decode(read, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > maxLineLength) throw new UpstreamError('event-too-large')
    yield* lines.filter(isText)
  }
  rest += decoder.decode()
  if (isText(rest)) yield rest
}

const isText = (line: string): boolean => line.trim() !== ''
