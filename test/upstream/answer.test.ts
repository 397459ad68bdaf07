import { readdirSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readReplyBody } from '../../src/upstream/read-sse.ts'
import { dataOf, decode } from './decode.ts'
import { fixture } from './support.ts'

const answers = readdirSync(new URL('../fixtures', import.meta.url)).filter((name) =>
  /^(agent|copilot)-/.test(name),
)

test.each(answers)('F5: %s decodes to the same events in any chunking', async (name) => {
  const generation = name.startsWith('agent') ? 'agent' : 'copilot'
  const wire = await fixture(name)
  const whole = decode(generation, dataOf(wire))
  const bytes = Buffer.from(wire)
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat({ max: bytes.length }), { maxLength: 40 }), async (cuts) => {
      const decoded = decode(generation, await readInChunks(bytes, cuts))
      expect(decoded.events).toEqual(whole.events)
      expect(decoded.error).toEqual(whole.error)
    }),
    { numRuns: 25 },
  )
})

async function readInChunks(bytes: Buffer, cuts: readonly number[]): Promise<string[]> {
  const edges = [0, ...cuts.toSorted((a, b) => a - b), bytes.length]
  async function* reads() {
    for (const [index, edge] of edges.slice(1).entries()) yield bytes.subarray(edges[index], edge)
  }
  const body = await readReplyBody(reads())
  if (body.type === 'other') throw new Error('an event stream was expected')
  const data: string[] = []
  for await (const batch of body.batches) data.push(...batch)
  return data
}
