export interface Listeners<Args extends readonly unknown[]> {
  /** @returns unsubscribe */
  add(listener: (...args: Args) => void): () => void
  tell(...args: Args): void
  clear(): void
}

export function createListeners<Args extends readonly unknown[] = []>(): Listeners<Args> {
  const listeners = new Set<(...args: Args) => void>()
  return {
    add(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    tell(...args) {
      for (const listener of listeners) listener(...args)
    },
    clear: () => listeners.clear(),
  }
}
