import { randomUUID } from 'node:crypto'
import type { Store } from '../store/store.ts'

/** Which process makes what is made in the background, so that nothing is said to be in the making for a process that is gone. */
export interface Processes {
  /** Names this one. */
  readonly own: string
  /** Work has begun here: the others see that this process lives until as many calls of what is returned. */
  begin(): Promise<() => void>
  /** @param process  undefined: work of an earlier version, of which nobody knows */
  isGone(process: string | undefined): Promise<boolean>
  /** Others may go on at once with what this process leaves. */
  close(): Promise<void>
}

export interface ProcessesOptions {
  readonly store: Pick<Store, 'saveDocument' | 'findDocument' | 'removeDocument'>
  /** No other process shares the store: what another one began, an earlier one began. */
  readonly alone: boolean
}

const beatMs = 10_000
/** A process that stood still for less is not given up. */
const lifeMs = 40_000

export function createProcesses({ store, alone }: ProcessesOptions): Processes {
  const own = randomUUID()
  let working = 0
  let hasBeaten = false
  let timer: NodeJS.Timeout | undefined

  // While the store is unreachable nobody can look either.
  async function beat(): Promise<void> {
    hasBeaten = true
    await store.saveDocument('process', { id: own, owner: '', text: '', lifeMs }).catch(() => undefined)
  }

  function stop(): void {
    clearInterval(timer)
    timer = undefined
  }

  return {
    own,
    async begin() {
      working += 1
      timer ??= setInterval(() => void beat(), beatMs).unref()
      if (!alone) await beat()
      let isOver = false
      return () => {
        if (isOver) return
        isOver = true
        working -= 1
        if (working === 0) stop()
      }
    },
    async isGone(process) {
      if (process === undefined || process === own) return false
      return alone || (await store.findDocument('process', process)) === undefined
    },
    async close() {
      stop()
      if (hasBeaten) await store.removeDocument('process', own).catch(() => undefined)
    },
  }
}
