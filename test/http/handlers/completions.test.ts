import { expect, it } from 'vitest'
import type { ChatRequest } from '../../../src/core/chat-request.ts'
import { answerOf, finished, startApp, text } from '../support/start-app.ts'

const asked: ChatRequest[] = []
const start = () =>
  startApp({
    runChat: (chat) => {
      asked.push(chat)
      return Promise.resolve(answerOf([text('return ', 'a + b'), [finished]]))
    },
  })

it('completes a text, whole and streamed', async () => {
  const client = (await start()).openai()
  const request = { model: 'claude-sonnet-5', prompt: 'def add(a, b):', max_tokens: 16, stop: '\n' }
  const whole = await client.completions.create({ ...request, echo: true })
  expect(whole.choices).toEqual([
    { index: 0, text: 'def add(a, b):return a + b', logprobs: null, finish_reason: 'stop' },
  ])
  expect(whole.usage?.completion_tokens).toBeGreaterThan(1)
  expect(asked.at(-1)).toMatchObject({ maxTokens: 16, stop: ['\n'] })
  const pieces: string[] = []
  let usage: number | undefined
  const options = { stream: true, stream_options: { include_usage: true } } as const
  for await (const chunk of await client.completions.create({ ...request, ...options })) {
    pieces.push(chunk.choices[0]?.text ?? '')
    usage = chunk.usage?.total_tokens ?? usage
  }
  expect(pieces.join('')).toBe('return a + b')
  expect(usage).toBeGreaterThan(1)
})

it.each([
  [{ prompt: [1, 2] }, 'prompt'],
  [{ prompt: ['a', 'b'] }, 'prompt'],
  [{ prompt: 'a', n: 2 }, 'n'],
])('refuses %j', async (body, param) => {
  const { send } = await start()
  const response = await send('/v1/completions', { model: 'm', ...body })
  expect([response.status, await response.json()]).toMatchObject([400, { error: { param } }])
})
