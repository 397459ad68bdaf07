import { UnavailableError } from '../../core/errors.ts'
import type { KeptText, Store } from '../store.ts'
import { itemsOf } from './read-reply.ts'
import type { Reply, RunScript } from './redis-scripts.ts'

export interface RedisTextsOptions {
  /** Of each kind. Beyond either bound the oldest go first. */
  readonly maxTexts: number
  /** In UTF-16 units. */
  readonly maxTextsLength: number
}

type KeepsTexts = Pick<Store, 'keepText' | 'replaceText' | 'keptText' | 'keptTexts' | 'dropText'>

export function createRedisTexts(
  runScript: RunScript,
  { maxTexts, maxTextsLength }: RedisTextsOptions,
): KeepsTexts {
  function refuseTooLong(text: string): void {
    if (text.length > maxTextsLength)
      throw new UnavailableError('dependency_unavailable', { message: tooLong })
  }

  return {
    async keepText(kind, { id, owner, text, lifeMs }) {
      refuseTooLong(text)
      await runScript('keep-text', kind, id, owner, text, text.length, lifeMs, maxTexts, maxTextsLength)
    },

    async replaceText(kind, id, text) {
      refuseTooLong(text)
      return (await runScript('replace-text', kind, id, text, text.length, maxTexts, maxTextsLength)) === 1
    },

    async keptText(kind, id) {
      return keptTextOf(await runScript('find-text', kind, id))
    },

    async keptTexts(kind, owner, limit) {
      return itemsOf(await runScript('list-texts', kind, owner, limit)).flatMap(
        (each) => keptTextOf(each) ?? [],
      )
    },

    async dropText(kind, id) {
      return (await runScript('drop-text', kind, id)) === 1
    },
  }
}

function keptTextOf(reply: Reply): KeptText | undefined {
  const [id, owner, text] = itemsOf(reply).map(String)
  return id === undefined || owner === undefined || text === undefined ? undefined : { id, owner, text }
}

const tooLong = 'The text is longer than all that may be kept.'
