// What the values of a JSON body take in memory: the figures behind `src/http/body-budget.ts`.
// Usage: node --expose-gc scripts/measure-body-memory.ts

import { setImmediate } from 'node:timers/promises'
import type { ChatPrompt } from '../src/core/chat-request.ts'
import { parseRequest } from '../src/dialects/openai-chat/parse-request.ts'
import { createCatalogue } from '../src/models/catalogue.ts'
import { encodeAgentRequest } from '../src/upstream/agent/encode.ts'

const collect = globalThis.gc
if (!collect) throw new Error('run it with --expose-gc')

const count = 100_000
const list = (value: (index: number) => string) =>
  `[${Array.from({ length: count }, (_, index) => value(index)).join()}]`

/** What is held. */
const holder: { made?: unknown } = {}

/** Bytes on the heap, for each value, of what `make` returns while all of it is held. */
async function perValue(make: () => unknown): Promise<number> {
  const used = async (): Promise<number> => {
    await setImmediate()
    collect?.()
    return process.memoryUsage().heapUsed
  }
  holder.made = await make()
  holder.made = undefined
  const before = await used()
  holder.made = await make()
  const bytes = (await used()) - before
  holder.made = undefined
  return Math.round(bytes / count)
}

/** From the parsed body to the text for the site, with every copy in between. */
async function ask(json: string): Promise<unknown> {
  const body = JSON.parse(json)
  const parsed = await parseRequest(body, createCatalogue().resolve)
  const encoded = encodeAgentRequest(parsed.chat as ChatPrompt, {})
  return [body, parsed, encoded, JSON.stringify(encoded)]
}

const shapes: Readonly<Record<string, () => unknown>> = {
  'an empty object, parsed': () => JSON.parse(list(() => '{}')),
  'an empty array, parsed': () => JSON.parse(list(() => '[]')),
  'a place in an array, parsed': () => JSON.parse(list(() => '1')),
  'an object with a property, parsed': () => JSON.parse(list((index) => `{"p${index % 100}":1}`)),
  'a property with a name of its own, parsed': () =>
    JSON.parse(`{${list((index) => `"p${index}":1`).slice(1, -1)}}`),
  'a message of one letter, up to the text for the site': () =>
    ask(`{"model":"gpt-5.4","messages":${list(() => '{"role":"user","content":"a"}')}}`),
  'a message of one part, up to the text for the site': () =>
    ask(
      `{"model":"gpt-5.4","messages":${list(() => '{"role":"user","content":[{"type":"text","text":"a"}]}')}}`,
    ),
}

for (const [name, make] of Object.entries(shapes)) console.log(`${name}: ${await perValue(make)} bytes`)
