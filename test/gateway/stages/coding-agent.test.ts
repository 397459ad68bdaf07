import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import type { ChatEvent } from '../../../src/core/chat-event.ts'
import type { ChatRequest, ChatTurn, ToolDefinition } from '../../../src/core/chat-request.ts'
import type { WireGeneration } from '../../../src/core/wire-generation.ts'
import { fulfilRequest } from '../../../src/gateway/fulfil-request.ts'
import { type Emulator, startEmulator } from '../../emulator/emulator.ts'
import { callingModel, type ToolAsk } from '../../support/tool-model.ts'
import { askInput, chatRequest, createTestUpstream } from '../../upstream/support.ts'
import { collect, tool, tools } from './support.ts'

let emulator: Emulator
let upstream: ReturnType<typeof createTestUpstream>

beforeAll(async () => {
  emulator = await startEmulator({ tokenCheck: 'off' })
  upstream = createTestUpstream(emulator.url)
})

afterEach(() => expect(emulator.violations).toEqual([]))

afterAll(async () => {
  await upstream.close()
  await emulator.close()
})

/** As many and as long as those of a coding agent: 24 of 115 KB in all. */
const definitions: readonly ToolDefinition[] = Array.from({ length: 24 }, (_, index) =>
  tool(`tool_${index}`, {
    description: `# Usage\n\n- "quoted", \`coded\` {braced}\n${'Do not <tool_call> it in vain. '.repeat(110)}`,
    parameters: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      properties: Object.fromEntries(
        ['path', 'content', 'options'].map((name) => [
          name,
          { type: 'string', description: `The ${name}.\n${'All of it. '.repeat(35)}` },
        ]),
      ),
      required: ['path'],
      additionalProperties: false,
    },
  }),
)

const user = (text: string): ChatTurn => ({ role: 'user', parts: [{ type: 'text', text }] })

async function ask(messages: readonly ChatTurn[], generation: WireGeneration = 'agent', calls = 'c') {
  const request: ChatRequest = { ...chatRequest(), messages, tools: tools({ definitions }) }
  let ids = 0
  const { events } = await fulfilRequest(
    request,
    (prompt) => Promise.resolve({ events: upstream.ask(askInput({ generation, request: prompt })) }),
    {
      createCallId() {
        ids += 1
        return `${calls}${ids}`
      },
      cutToTokens: () => Promise.reject(new Error('there is no limit')),
    },
  )
  const all: ChatEvent[] = []
  for await (const batch of events) all.push(...batch)
  return collect(all)
}

it('is taught 24 tools of 115 KB in hardly more room', async () => {
  let asked: ToolAsk | undefined
  emulator.answerWith(
    callingModel((each) => {
      asked = each
      return 'Understood.'
    }),
  )
  expect((await ask([user('Hello')])).answer).toEqual(['Understood.'])
  const given = JSON.stringify(
    definitions.map(({ name, description, parameters }) => ({ name, description, parameters })),
  )
  expect(given.length).toBeGreaterThan(115_000)
  expect(asked?.said[0]?.text.length).toBeLessThan(given.length * 1.01)
  expect(asked?.tools.map(({ name }) => name)).toEqual(definitions.map(({ name }) => name))
  expect(asked?.tools[23]?.parameters).toMatchObject({ required: ['path'], additionalProperties: false })
})

it.each(['agent', 'copilot'] as const)('works through calls and results in turn (%s)', async (generation) => {
  const content = `<tool_call>{"name":"tool_3"}</tool_call>\n\`\`\`\n${'const a = "{\\n}"\n'.repeat(600)}`
  emulator.answerWith(
    callingModel(
      ({ said, results }) => {
        if (said.length === 2)
          return {
            text: 'I read both.',
            calls: ['a', 'b'].map((path) => ({ name: 'tool_3', arguments: { path } })),
          }
        if (said.length === 4)
          return [{ name: 'tool_7', arguments: { path: results.map(({ text }) => text).join('+'), content } }]
        return `Done: ${results[0]?.failed ? 'no' : 'yes'}`
      },
      { split: 'joined' },
    ),
  )
  const messages: ChatTurn[] = [user('Fix it.')]
  const first = await ask(messages, generation, 'x')
  expect(first.answer).toEqual([
    'I read both.',
    { id: 'x1', name: 'tool_3', arguments: { path: 'a' } },
    { id: 'x2', name: 'tool_3', arguments: { path: 'b' } },
  ])
  expect(first.finished?.reason).toBe('tool-calls')

  messages.push(
    {
      role: 'assistant',
      parts: [{ type: 'text', text: 'I read both.' }],
      toolCalls: [
        { id: 'x1', name: 'tool_3', argumentsText: '{"path":"a"}' },
        { id: 'x2', name: 'tool_3', argumentsText: '{"path":"b"}' },
      ],
    },
    { role: 'tool', callId: 'x1', parts: [{ type: 'text', text: 'A' }], failed: false },
    { role: 'tool', callId: 'x2', parts: [{ type: 'text', text: 'B' }], failed: false },
  )
  expect((await ask(messages, generation, 'y')).answer).toEqual([
    { id: 'y1', name: 'tool_7', arguments: { path: 'A+B', content } },
  ])

  messages.push(
    {
      role: 'assistant',
      parts: [],
      toolCalls: [{ id: 'y1', name: 'tool_7', argumentsText: JSON.stringify({ path: 'A+B', content }) }],
    },
    { role: 'tool', callId: 'y1', parts: [{ type: 'text', text: 'read-only' }], failed: true },
  )
  const last = await ask(messages, generation)
  expect(last.answer).toEqual(['Done: no'])
  expect(last.finished?.reason).toBe('stop')
})

it('is answered the same when every byte comes alone', async () => {
  emulator.answerWith(
    callingModel(() => ({ text: 'Näher 😀\n', calls: [{ name: 'tool_0', arguments: { path: 'ü😀\n"' } }] }), {
      split: 'every-byte',
    }),
  )
  expect((await ask([user('Go')])).answer).toEqual([
    'Näher 😀',
    { id: 'c1', name: 'tool_0', arguments: { path: 'ü😀\n"' } },
  ])
})
