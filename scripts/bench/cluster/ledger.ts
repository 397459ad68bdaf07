import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'

/** One use of an account, as its user saw it: from the answer to its asking until just before it gave the account back. */
export interface Use {
  readonly account: number
  readonly askedMs: number
  readonly beganMs: number
  /** Undefined: its process was killed in the middle. */
  readonly endedMs: number | undefined
}

export interface Ledger {
  begin(use: { readonly id: number; readonly account: number; readonly askedMs: number }): void
  end(id: number): void
  close(): void
}

/** Of all processes of this machine the same, and never set. */
export const ledgerNow = (): number => Number(process.hrtime.bigint()) / 1e6

const fields = 4
const bytes = fields * Float64Array.BYTES_PER_ELEMENT

/** Each entry is in the kernel's hands before the next command goes to Redis: a SIGKILL takes none of it along. */
export function openLedger(path: string): Ledger {
  const file = openSync(path, 'w')
  const entry = new Float64Array(fields)
  const write = (id: number, account: number, askedMs: number) => {
    entry.set([id, account, askedMs, ledgerNow()])
    writeSync(file, entry)
  }
  return {
    begin: ({ id, account, askedMs }) => write(id, account, askedMs),
    end: (id) => write(id, ended, ended),
    close: () => closeSync(file),
  }
}

const ended = -1

export function readLedger(path: string): readonly Use[] {
  const content = readFileSync(path)
  const entries = new Float64Array(
    new Uint8Array(content).buffer,
    0,
    Math.floor(content.length / bytes) * fields,
  )
  const uses = new Map<number, { -readonly [field in keyof Use]: Use[field] }>()
  for (let at = 0; at < entries.length; at += fields) {
    const [id = 0, account = 0, askedMs = 0, atMs = 0] = entries.subarray(at, at + fields)
    const use = uses.get(id)
    if (use) use.endedMs = atMs
    else uses.set(id, { account, askedMs, beganMs: atMs, endedMs: undefined })
  }
  return [...uses.values()]
}

/** Redis counts whole milliseconds. */
const roundingMs = 2

/** How many uses began while another use of the same account went on. A use that a kill cut off counts as going on for
 *  `leaseMs` from its asking: so long at least its lease stands. */
export function countDoubleUses(uses: readonly Use[], leaseMs: number): number {
  const busyUntil = new Map<number, number>()
  let doubles = 0
  for (const { account, askedMs, beganMs, endedMs } of uses.toSorted((a, b) => a.beganMs - b.beganMs)) {
    const busyMs = busyUntil.get(account) ?? 0
    if (beganMs < busyMs) doubles += 1
    busyUntil.set(account, Math.max(busyMs, endedMs ?? askedMs + leaseMs - roundingMs))
  }
  return doubles
}
