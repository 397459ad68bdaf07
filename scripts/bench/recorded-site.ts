// The double of the site for benches: it answers from recorded bytes, so that it costs next to nothing beside the service.
// A prompt `dense N` gets N deltas at once, `paced N` one each few milliseconds.

import { startEmulator } from '../../test/emulator/emulator.ts'
import { askAgent } from '../../test/emulator/raw-request.ts'
import { repeated, type Scenario } from '../../test/emulator/scenario.ts'

const paceMs = 5
const word = 'word '

const emulator = await startEmulator({ tokenCheck: 'off' })
const recordings = new Map<number, Buffer>()
for (const count of process.argv.slice(2).map(Number)) recordings.set(count, await record(count))
emulator.answerWith(({ prompt }) => scenarioOf(prompt))
console.log(`listening on ${emulator.url}`)
process.once('SIGTERM', () => void emulator.close())

async function record(count: number): Promise<Buffer> {
  emulator.answerWith({ type: 'answer', chunks: [...repeated(word, count)] })
  return (await askAgent(emulator.url)).body
}

function scenarioOf(prompt: string): Scenario {
  const [pace, words] = prompt.split(' ')
  const count = Number(words)
  const bytes = recordings.get(count)
  if (pace === 'paced') return { type: 'answer', chunks: repeated(word, count), chunkDelayMs: paceMs }
  if (!bytes) throw new Error(`nothing is recorded for ${prompt}`)
  return {
    type: 'raw',
    respond: (response) => void response.writeHead(200, { 'content-type': 'text/event-stream' }).end(bytes),
  }
}
