import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { rawRequest } from '../../emulator/raw-request.ts'
import * as cursor from '../../fixtures/clients/cursor.ts'
import type { RecordedRequest } from '../../fixtures/clients/recorded-request.ts'
import type { Stack } from '../../support/stack.ts'
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

describe('Cursor (FINDINGS C1)', () => {
  it.each([
    ['a body of Responses', cursor.responsesBody],
    ['tools of Anthropic', cursor.anthropicTools],
  ])('is answered: %s', async (_, request) => {
    const reply = await replay(request)
    expect(reply.status).toBe(200)
    expect(readAiSdk(reply)).toMatchObject({ text: 'Hello there.' })
  })

  it('gets a call of free text in its own form', async () => {
    answerWithCalls(stack, [{ name: 'ApplyPatch', arguments: { input: '*** Begin Patch' } }], 'Done')
    const reply = await replay(cursor.freeText)
    expect(reply.status).toBe(200)
    const text = String(reply.body)
    expect(text).toContain('"type":"custom","custom":{"name":"ApplyPatch","input":""}')
    expect(text).toContain('"custom":{"input":"*** Begin Patch"}')
    expect(text).toContain('"finish_reason":"tool_calls"')
  })
})
