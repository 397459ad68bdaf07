export interface MessageEvents {
  /** Start line and headers, as they came. */
  head(text: string): void
  body(piece: Buffer): void
  end(): void
}

/** Reads HTTP/1.1 messages one after another off a socket. It does only what both ends of a bench need,
 *  so that neither of them is the bottleneck: node:http costs several times as much.
 *  @returns what takes each piece that comes */
export function createMessageReader(events: MessageEvents): (piece: Buffer) => void {
  let state: 'head' | 'length' | 'chunk-size' | 'chunk' | 'chunk-end' | 'trailer' = 'head'
  let remaining = 0
  let pending: Buffer | undefined

  return (piece) => {
    let bytes = pending ? Buffer.concat([pending, piece]) : piece
    pending = undefined
    let at = 0
    while (at < bytes.length) {
      if (state === 'length' || state === 'chunk') {
        const end = Math.min(at + remaining, bytes.length)
        events.body(bytes.subarray(at, end))
        remaining -= end - at
        at = end
        if (remaining > 0) return
        if (state === 'chunk') state = 'chunk-end'
        else finish()
        continue
      }
      const mark = state === 'head' ? '\r\n\r\n' : '\r\n'
      const markAt = bytes.indexOf(mark, at)
      if (markAt < 0) {
        pending = bytes = bytes.subarray(at)
        return
      }
      const line = bytes.toString('latin1', at, markAt)
      at = markAt + mark.length
      if (state === 'head') beginBody(line)
      else if (state === 'chunk-end') state = 'chunk-size'
      else if (state === 'chunk-size') {
        remaining = Number.parseInt(line, 16)
        state = remaining === 0 ? 'trailer' : 'chunk'
      } else if (line === '') finish()
    }
  }

  function beginBody(head: string): void {
    events.head(head)
    if (/^transfer-encoding: *chunked/im.test(head)) {
      state = 'chunk-size'
      return
    }
    remaining = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0)
    if (remaining > 0) state = 'length'
    else finish()
  }

  function finish(): void {
    state = 'head'
    events.end()
  }
}
