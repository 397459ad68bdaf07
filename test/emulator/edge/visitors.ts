import { randomBytes, randomInt } from 'node:crypto'

/** One browser that has opened a page, known by its `__cf_bm` cookie; the page's script earns it a `cf_clearance`. */
export interface Visitor {
  readonly id: string
  /** A clearance is good for the browser that earned it alone. */
  readonly userAgent: string
  /** Set once earned. */
  clearance: string | undefined
}

/** How long a request that overtakes the page's own script waits for it. */
const waitMs = 5_000

export function createVisitors() {
  const byId = new Map<string, Visitor>()
  const riddles = new Map<string, Set<number>>()
  const waiting = new Map<string, Set<() => void>>()

  return {
    /** The one whose cookies these are. */
    find: (cookie: string | undefined, userAgent: string | undefined): Visitor | undefined => {
      const visitor = byId.get(cookieOf(cookie, '__cf_bm') ?? '')
      return visitor?.userAgent === userAgent ? visitor : undefined
    },

    create(userAgent: string): Visitor {
      const visitor = { id: newValue(), userAgent, clearance: undefined }
      byId.set(visitor.id, visitor)
      return visitor
    },

    /** The script for a page of this visitor: only what lays out a page knows its answer. */
    script({ id }: Visitor): string {
      const riddle = randomInt(1, 1_000)
      riddles.set(id, (riddles.get(id) ?? new Set()).add(riddle))
      return clearanceScript(riddle)
    },

    /** Takes the script's answer. @returns whether it is right */
    clear(visitor: Visitor, { riddle, width }: ScriptAnswer): boolean {
      if (!riddles.get(visitor.id)?.has(riddle) || width !== 3 * riddle + 7) return false
      visitor.clearance ??= newValue()
      for (const proceed of waiting.get(visitor.id) ?? []) proceed()
      return true
    },

    /** Resolves once the visitor has its clearance, or when it should have had it. */
    async cleared({ id }: Visitor, gone: AbortSignal): Promise<void> {
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, waitMs)
      gone.addEventListener('abort', () => resolve(), { once: true })
      const others = waiting.get(id) ?? new Set()
      waiting.set(id, others.add(resolve))
      await promise
      others.delete(resolve)
      clearTimeout(timer)
    },
  }
}

export interface ScriptAnswer {
  readonly riddle: number
  readonly width: number
}

export const clearancePath = '/cdn-cgi/challenge-platform/h/b/jsd'

/** Before anything that the page waits for, so that the clearance is there when the page's own requests begin. */
const clearanceScript = (riddle: number): string => `<script>(() => {
  const box = document.createElement('div')
  box.style.cssText = 'position:absolute;visibility:hidden;width:calc(3px * ${riddle} + 7px)'
  document.documentElement.append(box)
  const width = box.getBoundingClientRect().width
  box.remove()
  fetch('${clearancePath}', { method: 'POST', body: JSON.stringify({ riddle: ${riddle}, width }) })
})()</script>`

const newValue = (): string => randomBytes(24).toString('base64url')

/** @returns undefined without one of that name */
export function cookieOf(header: string | undefined, name: string): string | undefined {
  for (const pair of header?.split(';') ?? []) {
    const at = pair.indexOf('=')
    if (pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim()
  }
  return undefined
}

/** The `Cookie` header without what belongs to the edge: nothing behind it looks at these. */
export const withoutEdgeCookies = (header: string): string =>
  header
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair !== '' && !/^(?:__cf_bm|cf_clearance)=/.test(pair))
    .join('; ')
