import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
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

/** Runs the scripts in `scripts/`, each one atomic command of Redis and one round trip; what they ask for and answer stands in
 *  their heads. Keys with a name of their own are declared; the others, which a script makes from what it finds, lie under the same root.
 *  @throws {UnavailableError} `dependency_unavailable` */
export function createRunScript({ client, root, clock }: RedisScriptsOptions): RunScript {
  const scripts = readScripts()
  const keys = new Map<string, readonly string[]>()
  for (const [name, script] of scripts) keys.set(name, [root, ...script.keys.map((key) => root + key)])

  return async function runScript(name, ...args) {
    const script = scripts.get(name)
    if (!script) throw new Error(`There is no script ${name}.`)
    const now = clock ? String(clock.now()) : ''
    const declared = keys.get(name) ?? [root]
    try {
      return (await client.evalsha(script.digest, declared.length, ...declared, now, ...args)) as Reply
    } catch (cause) {
      if (!isUnknownScript(cause)) throw redisFailure(cause)
    }
    try {
      return (await client.eval(script.text, declared.length, ...declared, now, ...args)) as Reply
    } catch (cause) {
      throw redisFailure(cause)
    }
  }
}

interface Script {
  readonly text: string
  readonly digest: string
  /** Without the root. */
  readonly keys: readonly string[]
}

interface ScriptFile {
  readonly needs: readonly string[]
  /** What all scripts of the file share. */
  readonly head: string
  readonly scripts: ReadonlyMap<string, string>
}

/** All but texts is small and bounded: a Redis that is full of texts still leases accounts.
 *  Source: https://redis.io/docs/latest/develop/programmability/eval-intro/#script-flags */
const evenWhenFull = '#!lua flags=allow-oom\n'

const folder = new URL('./scripts/', import.meta.url)

/** Every script by name: the heads of the files that it needs, each once, and its own part of its file. */
function readScripts(): ReadonlyMap<string, Script> {
  const files = new Map<string, ScriptFile>()
  for (const file of readdirSync(folder))
    if (file.endsWith('.lua'))
      files.set(file.slice(0, -'.lua'.length), parseFile(readFileSync(new URL(file, folder), 'utf8')))

  const scripts = new Map<string, Script>()
  for (const [name, file] of files) {
    const heads = headsOf(name, files).join('\n')
    for (const [script, body] of file.scripts) {
      const code = `${heads}\n${body}`
      const text = name === 'documents' ? code : `${evenWhenFull}${code}`
      const keys = [...new Set([...code.matchAll(/\bkey\('([^']*[^':])'\)/g)].map(([, key]) => String(key)))]
      scripts.set(script, { text, digest: createHash('sha1').update(text).digest('hex'), keys })
    }
  }
  return scripts
}

function parseFile(text: string): ScriptFile {
  const [head = '', ...parts] = text.split(/^-- Script (\S+)\n/m)
  const scripts = new Map<string, string>()
  for (let index = 0; index < parts.length; index += 2)
    scripts.set(parts[index] ?? '', parts[index + 1] ?? '')
  return { needs: /^-- Needs: (.+)$/m.exec(head)?.[1]?.split(', ') ?? [], head, scripts }
}

function headsOf(name: string, files: ReadonlyMap<string, ScriptFile>): string[] {
  const heads = new Map<string, string>()
  const add = (each: string) => {
    const file = files.get(each)
    if (!file || heads.has(each)) return
    for (const needed of file.needs) add(needed)
    heads.set(each, file.head)
  }
  add(name)
  return [...heads.values()]
}

const isUnknownScript = (cause: unknown) => cause instanceof Error && cause.message.startsWith('NOSCRIPT')

/** Of `[key, value, ...]`. */
export function readPairs(reply: Reply | undefined): ReadonlyMap<string, string> {
  const flat = itemsOf(reply)
  const map = new Map<string, string>()
  for (let index = 0; index < flat.length; index += 2) map.set(String(flat[index]), String(flat[index + 1]))
  return map
}

export const itemsOf = (reply: Reply | undefined): readonly Reply[] =>
  typeof reply === 'object' && reply !== null ? reply : []
