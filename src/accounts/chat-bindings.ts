import { LRUCache } from 'lru-cache'

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
  /** @param stored  the chat id that came with the lease */
  bind(account: string, model: string, stored: string | undefined): ChatBinding
}

export interface ChatBindingsOptions {
  /** MODEL_CHAT_MAP: model to chat id. */
  readonly pins: ReadonlyMap<string, string>
  /** AUTO_MODEL_CHAT_MAP_TYPE: chats are bound by themselves. */
  readonly autoBind: boolean
}

const maxStalePins = 10_000
/** A longer model name is a client's fancy, not a model; it is not worth a row. */
const maxModelLength = 200

/** A pin wins over the stored binding. A chat belongs to one account, so a pin is stale for every other: it is remembered for
 *  which, and not tried there again while the process lives. */
export function createChatBindings({ pins, autoBind }: ChatBindingsOptions): ChatBindings {
  const stalePins = new LRUCache<string, true>({ max: maxStalePins })

  function pinned(account: string, model: string, pin: string): ChatBinding {
    return {
      chatId: pin,
      pinned: true,
      answeredIn: () => undefined,
      stale() {
        stalePins.set(`${account} ${model}`, true)
        return undefined
      },
    }
  }

  return {
    bind(account, model, stored) {
      const pin = pins.get(model)
      if (pin !== undefined && !stalePins.has(`${account} ${model}`)) return pinned(account, model, pin)
      if (!autoBind) return unbound
      return {
        chatId: stored,
        pinned: false,
        answeredIn: (chatId) => (model.length <= maxModelLength ? chatId : undefined),
        stale: () => (stored === undefined ? undefined : null),
      }
    },
  }
}

const unbound: ChatBinding = {
  chatId: undefined,
  pinned: false,
  answeredIn: () => undefined,
  stale: () => undefined,
}
