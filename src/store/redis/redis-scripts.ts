import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Clock } from '../../core/clock.ts'
import type { RedisClient } from './connect-redis.ts'
import { redisFailure } from './redis-failure.ts'

export type Reply = null | number | string | readonly Reply[]
export type RunScript = (name: string, ...args: readonly (string | number)[]) => Promise<Reply>

export interface RedisScriptsOptions {
  readonly client: RedisClient
  /** KEYS[1] of all scripts. */
  readonly root: string
  /** In the place of Redis's own. */
  readonly clock: Clock | undefined
}

interface Script {
  readonly text: string
  readonly digest: string
}

/** Runs the scripts in `scripts/`, each one atomic command of Redis and one round trip; what they ask for and answer stands in
 *  their heads. @throws {UnavailableError} `dependency_unavailable` */
export function createRunScript({ client, root, clock }: RedisScriptsOptions): RunScript {
  const scripts = new Map<string, Script>()

  function scriptOf(name: string): Script {
    const known = scripts.get(name)
    if (known) return known
    const text = readScript(name)
    const script = { text, digest: createHash('sha1').update(text).digest('hex') }
    scripts.set(name, script)
    return script
  }

  return async function runScript(name, ...args) {
    const { text, digest } = scriptOf(name)
    const now = clock ? String(clock.now()) : ''
    try {
      return (await client.evalsha(digest, 1, root, now, ...args).catch((cause: unknown) => {
        if (!isUnknownScript(cause)) throw cause
        return client.eval(text, 1, root, now, ...args)
      })) as Reply
    } catch (cause) {
      throw redisFailure(cause)
    }
  }
}

const folder = new URL('./scripts/', import.meta.url)
const needs = /^-- Needs: (.+)$/m

/** With what it needs before it, each once. */
function readScript(name: string): string {
  const parts = new Map<string, string>()
  const add = (each: string) => {
    if (parts.has(each)) return
    const text = readFileSync(new URL(`${each}.lua`, folder), 'utf8')
    for (const needed of needs.exec(text)?.[1]?.split(', ') ?? []) add(needed)
    parts.set(each, text)
  }
  add(name)
  return [...parts.values()].join('\n')
}

const isUnknownScript = (cause: unknown) => cause instanceof Error && cause.message.startsWith('NOSCRIPT')
