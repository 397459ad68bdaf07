import { LRUCache } from 'lru-cache'
import type { Account } from '../core/account.ts'
import type { AccountUse } from '../store/store.ts'
import { findSession } from './cookie-header.ts'

/** What a lease is for; each has chats of its own. */
export type LeaseUse = AccountUse

/** The chat that a lease continues, and what its end does to the stored binding. */
export interface ChatBinding {
  readonly chatId: string | undefined
  readonly pinned: boolean
  /** The answer came in this chat. @returns what to store: a chat id, or nothing new */
  answeredIn(chatId: string | undefined): string | undefined
  /** The site does not know the chat. @returns null when the stored binding is to be dropped */
  stale(): null | undefined
}

export interface ChatBindings {
  /** The operator has pinned chats: any lease may have one. */
  readonly hasPins: boolean
  /** @param stored  the chat id that came with the lease */
  bind(account: Account, what: { use: LeaseUse; model: string; stored: string | undefined }): ChatBinding
}

export interface ChatBindingsOptions {
  /** MODEL_CHAT_MAP: model to chat id. */
  readonly pins: ReadonlyMap<string, string>
  /** SESSION_IMAGE_CHAT_MAP: session (its bare value, the cookie `name=value`, or the whole header) to chat id. */
  readonly imagePins: ReadonlyMap<string, string>
  /** AUTO_MODEL_CHAT_MAP_TYPE: chats are bound by themselves. */
  readonly autoBind: boolean
}

const maxStalePins = 10_000
/** A longer name is no model of the site: the client made it up, and it gets no row. */
const maxModelLength = 200

/** A pin wins over the stored binding; media are bound by pins alone. A chat belongs to one account, so a pin is stale for every
 *  other: those are remembered, and the pin is not tried there again while the process lives. */
export function createChatBindings({ pins, imagePins, autoBind }: ChatBindingsOptions): ChatBindings {
  const stalePins = new LRUCache<string, true>({ max: maxStalePins })

  function pinFor(account: Account, use: LeaseUse, model: string): string | undefined {
    if (account.kind !== 'cookie' || use === 'video') return undefined
    return use === 'image' ? imagePinFor(account.cookie, imagePins) : pins.get(model)
  }

  function pinned(pin: string, place: string): ChatBinding {
    return {
      chatId: pin,
      pinned: true,
      answeredIn: () => undefined,
      stale() {
        stalePins.set(place, true)
        return undefined
      },
    }
  }

  return {
    hasPins: pins.size > 0 || imagePins.size > 0,
    bind(account, { use, model, stored }) {
      const pin = pinFor(account, use, model)
      if (pin !== undefined) {
        const place = `${account.key} ${use} ${model}`
        if (!stalePins.has(place)) return pinned(pin, place)
      }
      if (!autoBind || use !== 'chat') return unbound
      return {
        chatId: stored,
        pinned: false,
        answeredIn: (chatId) => (model.length <= maxModelLength ? chatId : undefined),
        stale: () => (stored === undefined ? undefined : null),
      }
    },
  }
}

function imagePinFor(cookie: string, pins: ReadonlyMap<string, string>): string | undefined {
  const session = findSession(cookie)
  const value = session?.slice(session.indexOf('=') + 1)
  for (const name of [cookie, session, value]) {
    const pin = name === undefined ? undefined : pins.get(name)
    if (pin !== undefined) return pin
  }
  return undefined
}

const unbound: ChatBinding = {
  chatId: undefined,
  pinned: false,
  answeredIn: () => undefined,
  stale: () => undefined,
}
