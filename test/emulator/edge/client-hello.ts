import type { Socket } from 'node:net'

/** What a client says of itself before anything is encrypted (RFC 8446, 4.1.2). */
export interface ClientHello {
  readonly ciphers: readonly number[]
  readonly extensions: readonly number[]
  /** The protocols that it offers, in its order. */
  readonly alpn: readonly string[]
}

/** Reads a connection's ClientHello and puts it back, so that a TLS server finds it there.
 *  @returns undefined for what does not begin as TLS does, or ends too early */
export function peekClientHello(socket: Socket): Promise<ClientHello | undefined> {
  return new Promise((resolve) => {
    let held = Buffer.alloc(0)
    const settle = (hello: ClientHello | undefined) => {
      socket.off('data', collect).off('close', giveUp)
      socket.pause()
      if (held.length > 0) socket.unshift(held)
      resolve(hello)
    }
    const giveUp = () => {
      held = Buffer.alloc(0)
      settle(undefined)
    }
    const collect = (bytes: Buffer) => {
      held = Buffer.concat([held, bytes])
      if (held[0] !== handshakeRecord) return settle(undefined)
      if (held.length >= 5 && held.length >= 5 + held.readUInt16BE(3)) settle(parseClientHello(held))
    }
    socket.on('data', collect).once('close', giveUp)
  })
}

const handshakeRecord = 22

/** @param record  the first TLS record, whole
 *  @returns undefined for one of another form */
export function parseClientHello(record: Buffer): ClientHello | undefined {
  try {
    const read = reader(record.subarray(5, 5 + record.readUInt16BE(3)))
    if (read.number(1) !== 1) return undefined
    read.skip(3 + 2 + 32) // length, version, random
    read.skip(read.number(1)) // session id
    const ciphers = numbers(read.block(2))
    read.skip(read.number(1)) // compression methods
    const all = reader(read.block(2))
    const extensions: number[] = []
    let alpn: string[] = []
    while (all.left() > 0) {
      const type = all.number(2)
      const body = all.block(2)
      extensions.push(type)
      if (type === alpnExtension) alpn = protocols(reader(body).block(2))
    }
    return { ciphers, extensions, alpn }
  } catch {
    return undefined
  }
}

const alpnExtension = 16

function reader(bytes: Buffer) {
  let at = 0
  const block = (length: number): Buffer => {
    if (at + length > bytes.length) throw new RangeError('the ClientHello ends too early')
    at += length
    return bytes.subarray(at - length, at)
  }
  const number = (length: number): number => block(length).readUIntBE(0, length)
  return {
    number,
    skip: (length: number) => void block(length),
    /** As long as the number before it says. */
    block: (lengthBytes: number) => block(number(lengthBytes)),
    left: () => bytes.length - at,
  }
}

const numbers = (bytes: Buffer): number[] =>
  Array.from({ length: bytes.length / 2 }, (_, index) => bytes.readUInt16BE(2 * index))

function protocols(bytes: Buffer): string[] {
  const read = reader(bytes)
  const names: string[] = []
  while (read.left() > 0) names.push(read.block(1).toString('latin1'))
  return names
}
