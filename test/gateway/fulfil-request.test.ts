import { describe, expect, test } from 'vitest'
import type { ChatEvent } from '../../src/core/chat-event.ts'
import type { ChatMessage, ChatRequest, ToolDefinition, ToolUse } from '../../src/core/chat-request.ts'
import { checkSchemas, fulfilRequest } from '../../src/gateway/fulfil-request.ts'
import type { AskPlain } from '../../src/gateway/stages/stage.ts'
import { cutToTokens } from '../../src/models/tokens.ts'
import { answerOf, call, finished, readAll, text } from '../support/chat-events.ts'

const hello: ChatMessage = { role: 'user', parts: [{ type: 'text', text: 'Hello' }] }
const request: ChatRequest = {
  model: {
    id: 'gpt-5',
    upstreamIds: { copilot: ['gpt-5'], agent: ['gpt-5'] },
    mixture: false,
    search: false,
  },
  messages: [hello],
}
const options = { cutToTokens, createCallId: () => 'call_1' }
const person = {
  type: 'json-schema',
  name: 'person',
  description: undefined,
  schema: { type: 'object', properties: { age: { type: 'integer' } } },
} as const

/** Answers one ask after the other and notes their messages. */
function asking(...answers: readonly (readonly ChatEvent[])[]) {
  const asked: (readonly ChatMessage[])[] = []
  const ask: AskPlain = async ({ messages }) => {
    asked.push(messages)
    return { events: answerOf(...(answers[asked.length - 1] ?? [])) }
  }
  return { ask, asked }
}

test('a plain request is asked and answered as it is', async () => {
  const { ask, asked } = asking([text('Hi'), finished])
  const { events } = await fulfilRequest(request, ask, options)
  expect(await readAll(events)).toEqual([text('Hi'), finished])
  expect(asked).toEqual([[hello]])
})

test('a plain request gets the plain answer itself', async () => {
  const answer = { events: answerOf(text('Hi'), finished) }
  expect(await fulfilRequest({ ...request, stop: [] }, async () => answer, options)).toBe(answer)
})

const usage = { prompt: 30, completion: 3, reasoning: 0 }
const counted: ChatEvent = { type: 'finished', reason: 'stop', usage }
const age = (schemaText: string): ChatEvent[] => [text(schemaText), counted]
const aCall = text('<tool_call>{"name":"read","arguments":{}}</tool_call>')
const reading = (choice: ToolUse['choice']['type'] & ('auto' | 'required')): ToolUse => ({
  definitions: [{ name: 'read', description: undefined, parameters: { type: 'object' }, strict: false }],
  choice: { type: choice },
  parallel: true,
})

test.each<[string, Partial<ChatRequest>, ChatEvent[][], boolean]>([
  ['a plain answer', {}, [[text('Hi'), counted]], true],
  ['an answer within its limits', { stop: ['x'], maxTokens: 100 }, [[text('Hi'), counted]], true],
  ['an answer with a call', { tools: reading('auto') }, [[aCall, counted]], true],
  ['an answer in a form', { output: person }, [age('{"age": 3}')], true],
  ['an answer that a stop sequence ends', { stop: ['i'] }, [[text('Hi'), counted]], false],
  ['an answer that its limit ends', { maxTokens: 1 }, [[text('Hi there'), counted]], false],
  ['a call asked for again', { tools: reading('required') }, [age('No.'), [aCall, counted]], false],
  ['a form asked for again', { output: person }, [age('No.'), age('{"age": 3}')], false],
  ['a refusal', { output: person }, [age('No.'), age('No.')], false],
  [
    'a call where a form was asked for again',
    { output: person, tools: reading('auto') },
    [age('No.'), [aCall, counted]],
    false,
  ],
])('what the site counted: %s', async (_what, more, answers, isTold) => {
  const { ask } = asking(...answers)
  const { events } = await fulfilRequest({ ...request, ...more }, ask, options)
  const last = (await readAll(events)).at(-1)
  expect(last).toMatchObject({ type: 'finished' })
  expect(last).toEqual(isTold ? expect.objectContaining({ usage }) : expect.not.objectContaining({ usage }))
})

test('a schema that is none is refused before anything is asked', async () => {
  const { ask, asked } = asking()
  const output = { ...person, schema: { type: 'text' } }
  await expect(fulfilRequest({ ...request, output }, ask, options)).rejects.toMatchObject({
    code: 'invalid_value',
  })
  expect(asked).toEqual([])
})

test('an answer is put right in the same conversation, and limits hold for what is sent', async () => {
  const { ask, asked } = asking(
    [text('{"age": "a great many"}'), finished],
    [text('```json\n{"age": 36}\n```'), finished],
  )
  const { events } = await fulfilRequest({ ...request, output: person, maxTokens: 4 }, ask, options)
  expect(await readAll(events)).toEqual([text('{"age":'), text(' '), { type: 'finished', reason: 'length' }])
  expect(asked).toHaveLength(2)
  expect(asked[1]?.slice(0, -2)).toEqual(asked[0])
  expect(asked[1]?.slice(-2).map(({ role }) => role)).toEqual(['assistant', 'user'])
})

test('a call in the answer that was to be put right is one, and no JSON of the answer', async () => {
  const { ask } = asking(
    [text('Let me see.'), finished],
    [text('<tool_call>{"name":"read","arguments":{"path":"a"}}</tool_call>'), finished],
  )
  const tools: ToolUse = {
    definitions: [{ name: 'read', description: undefined, parameters: { type: 'object' }, strict: false }],
    choice: { type: 'auto' },
    parallel: true,
  }
  const createCallId = () => 'call_read'
  const asked = { ...request, output: { type: 'json-object' }, tools } as const
  const { events } = await fulfilRequest(asked, ask, { ...options, createCallId })
  expect(await readAll(events)).toEqual([
    ...call('read', '{"path":"a"}'),
    { type: 'finished', reason: 'tool-calls' },
  ])
})

describe('the schemas of a request', () => {
  const tool = (parameters: Record<string, unknown>, strict: boolean) => ({
    choice: { type: 'auto' as const },
    parallel: true,
    definitions: [{ name: 'find', description: undefined, parameters, strict } satisfies ToolDefinition],
  })
  const output = (schema: Record<string, unknown>) => ({
    type: 'json-schema' as const,
    name: 'person',
    description: undefined,
    schema,
  })

  test('good schemas pass', async () => {
    await checkSchemas({ output: output({ type: 'object' }), tools: tool({ type: 'object' }, true) })
    await checkSchemas({ output: { type: 'json-object' } })
    await checkSchemas({})
  })

  test('a schema of the answer that is none is refused by name', async () => {
    await expect(checkSchemas({ output: output({ type: 'text' }) })).rejects.toMatchObject({
      code: 'invalid_value',
      param: 'response_format',
      message: expect.stringMatching(
        /^The schema "person" of the answer cannot be used: at \/type: must be equal/,
      ),
    })
  })

  test('a schema of a strict tool that is none is refused by name', async () => {
    await expect(checkSchemas({ tools: tool({ pattern: '(' }, true) })).rejects.toMatchObject({
      code: 'invalid_value',
      param: 'tools',
      message: expect.stringContaining('The schema of the tool "find"'),
    })
  })

  test("schemas of other tools are nobody's business", async () => {
    await checkSchemas({ tools: tool({ pattern: '(' }, false) })
  })
})
