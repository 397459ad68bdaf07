import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'

/** `answer`: the bytes that go from the target to the client. */
export type Direction = 'request' | 'answer'

/** What happens at a byte: `split` ends the packet there; `reset` and `hang-up` end the connection on both sides, with RST or FIN;
 *  `half-close` ends this direction alone, the other goes on; `freeze` passes nothing more of this direction, until `resume`. */
export type FaultAction = 'split' | 'reset' | 'hang-up' | 'half-close' | 'freeze'

export interface PlannedFault {
  readonly action: FaultAction
  readonly direction: Direction
  /** How many bytes of the direction pass before it, counted from the moment that it is armed. */
  readonly bytes: number
  /** It is armed by a connection whose client sends this, from there on; absent: by the next byte of any connection. */
  readonly after?: string
}

export interface FaultProxy {
  readonly port: number
  /** Connections that are open now. */
  readonly connections: number
  /** Each piece waits so long, in each direction. */
  latencyMs: number
  /** Every direction comes in packets of so many bytes; 0 is as it comes. */
  dribbleBytes: number
  /** Plans one fault, in the place of one that has not come to pass. @returns whether it has, and how many bytes passed */
  plan(fault: PlannedFault): { readonly happened: boolean; readonly passed: number }
  /** Connections stay and new ones are taken; nothing passes. */
  freeze(): void
  resume(): void
  /** Ends every open connection on both sides. */
  cut(how?: 'reset' | 'hang-up'): void
  close(): Promise<void>
}

/** A TCP proxy on a free port of 127.0.0.1 that hurts what passes: in front of Redis, the site, a proxy, the service itself. */
export async function startFaultProxy(target: {
  readonly port: number
  readonly host?: string
}): Promise<FaultProxy> {
  const pairs = new Set<readonly [Socket, Socket]>()
  const ending = new AbortController()
  let isFrozen = false
  let thaw = Promise.withResolvers<void>()
  let planned: ReturnType<typeof arm> | undefined
  const proxy = {
    port: 0,
    latencyMs: 0,
    dribbleBytes: 0,
    get connections() {
      return pairs.size
    },
    plan(fault: PlannedFault) {
      planned = arm(fault)
      return planned.state
    },
    freeze() {
      isFrozen = true
    },
    resume() {
      isFrozen = false
      thaw.resolve()
      thaw = Promise.withResolvers()
    },
    cut(how: 'reset' | 'hang-up' = 'reset') {
      for (const pair of pairs) end(pair, how)
    },
    async close() {
      ending.abort()
      proxy.resume()
      proxy.cut()
      server.close()
      await once(server, 'close')
    },
  }

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const onward = connect({ host: '127.0.0.1', allowHalfOpen: true, noDelay: true, ...target })
    const pair = [client, onward] as const
    pairs.add(pair)
    for (const [socket, other] of [pair, [onward, client] as const]) {
      // The other side learns of it in the same way.
      socket.on('error', () => other.resetAndDestroy())
      socket.once('close', () => {
        pairs.delete(pair)
        if (!other.writableEnded) other.destroy()
      })
    }
    void carry(pair, client, onward, 'request')
    void carry(pair, onward, client, 'answer')
  })

  async function carry(pair: readonly [Socket, Socket], from: Socket, to: Socket, direction: Direction) {
    try {
      for await (const chunk of from) await pass(pair, chunk as Buffer, to, direction)
      to.end()
    } catch {
      // One of the two has gone.
    }
  }

  async function pass(pair: readonly [Socket, Socket], chunk: Buffer, to: Socket, direction: Direction) {
    const [client] = pair
    if (direction === 'request') planned?.see(client, chunk)
    let rest = chunk
    while (rest.length > 0) {
      if (isFrozen) await thaw.promise
      if (proxy.latencyMs > 0) await delay(proxy.latencyMs, undefined, { signal: ending.signal })
      const plan = planned?.applies(client, direction) ? planned : undefined
      const most = Math.min(proxy.dribbleBytes || rest.length, plan?.bytesLeft() || rest.length)
      const isNow = plan !== undefined && plan.bytesLeft() <= Math.min(rest.length, most)
      const piece = isNow && plan.bytesLeft() === 0 ? Buffer.alloc(0) : rest.subarray(0, most)
      rest = rest.subarray(piece.length)
      plan?.count(piece.length)
      if (piece.length > 0) await write(to, piece)
      if (isNow) await happen(plan, pair, to)
      // Whoever reads it in this process does so before the next piece comes.
      if (rest.length > 0) for (let turn = 0; turn < 2; turn += 1) await nextTurn()
    }
  }

  async function happen(plan: NonNullable<typeof planned>, pair: readonly [Socket, Socket], to: Socket) {
    plan.state.happened = true
    planned = undefined
    if (plan.action === 'reset' || plan.action === 'hang-up') end(pair, plan.action)
    else if (plan.action === 'half-close') to.end()
    else if (plan.action === 'freeze') await Promise.race([once(to, 'close'), thaw.promise])
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  proxy.port = (server.address() as AddressInfo).port
  return proxy
}

function arm({ action, direction, bytes, after }: PlannedFault) {
  const state = { happened: false, passed: 0 }
  /** Of the connection that it concerns. */
  let armedBy: Socket | undefined
  const seen = new WeakMap<Socket, string>()
  return {
    action,
    state,
    see(client: Socket, chunk: Buffer) {
      if (armedBy || after === undefined) return
      const text = (seen.get(client) ?? '') + chunk.toString('latin1')
      seen.set(client, text.slice(-after.length))
      if (text.includes(after)) armedBy = client
    },
    applies(client: Socket, at: Direction): boolean {
      if (after === undefined) armedBy ??= client
      return armedBy === client && at === direction
    },
    bytesLeft: () => bytes - state.passed,
    count(length: number) {
      state.passed += length
    },
  }
}

async function write(to: Socket, piece: Buffer): Promise<void> {
  await new Promise<void>((resolve, reject) =>
    to.write(piece, (error) => (error ? reject(error) : resolve())),
  )
}

function end([client, target]: readonly [Socket, Socket], how: 'reset' | 'hang-up'): void {
  for (const socket of [client, target]) {
    if (how === 'reset') socket.resetAndDestroy()
    else socket.end(() => socket.destroy())
  }
}
