import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { rawRequest } from '../../emulator/raw-request.ts'
import * as agents from '../../fixtures/clients/coding-agents.ts'
import type { RecordedRequest } from '../../fixtures/clients/recorded-request.ts'
import type { Stack } from '../../support/stack.ts'
import { readToolAsk } from '../../support/tool-model.ts'
import { answerWithCalls, startClientStack } from './client-stack.ts'
import { readAiSdk } from './readers/ai-sdk.ts'

let stack: Stack
beforeAll(async () => {
  stack = await startClientStack()
})
beforeEach(() => stack.emulator.answerWith({ type: 'answer', chunks: ['Hello ', 'there.'] }))
afterEach(() => stack.expectNothingLeft())
afterAll(() => stack.stop())

const replay = ({ path, ...request }: RecordedRequest) => rawRequest(stack.url + path, request)

describe.each([
  ['Cline', 'run_commands', agents.clineQuestion, agents.clineLoop, agents.clinePicture],
  ['opencode', 'bash', agents.opencodeQuestion, agents.opencodeLoop, agents.opencodePicture],
  ['qwen-code', 'run_shell_command', agents.qwenCodeQuestion, agents.qwenCodeLoop, agents.qwenCodePicture],
])('%s', (_name, shell, question, loop, picture) => {
  it('is answered, and its tools are taught', async () => {
    const reply = await replay(question)
    expect(reply.status).toBe(200)
    expect(readAiSdk(reply)).toEqual({ text: 'Hello there.', finishReason: 'stop' })
    const ask = stack.emulator.asks.at(-1)
    expect(ask && readToolAsk(ask).tools.map(({ name }) => name)).toContain(shell)
  })

  it('goes on in the middle of its work', async () => {
    answerWithCalls(stack, [{ name: shell, arguments: { command: 'ls' } }], 'Done')
    const reply = await replay(loop)
    expect(readAiSdk(reply).finishReason).toBe('tool_calls')
    const asked = JSON.stringify(stack.emulator.asks.at(-1)?.messages)
    for (const step of ['step-3', 'step-4']) expect(asked).toContain(step)
  })

  it('has its picture sent upstream as one', async () => {
    expect(readAiSdk(await replay(picture)).text).toBe('Hello there.')
    const { messages = [] } = stack.emulator.asks.at(-1) ?? {}
    expect(
      messages.some(
        ({ content }) => typeof content !== 'string' && content.some(({ type }) => type !== 'text'),
      ),
    ).toBe(true)
    expect(messages.every(({ content }) => !/iVBORw0/.test(textOf(content)))).toBe(true)
  })
})

const textOf = (content: string | readonly Readonly<Record<string, unknown>>[]): string =>
  typeof content === 'string' ? content : content.map(({ text }) => String(text ?? '')).join('')
