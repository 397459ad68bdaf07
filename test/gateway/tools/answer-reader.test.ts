import { expect, it } from 'vitest'
import type { ToolUse } from '../../../src/core/chat-request.ts'
import { AnswerReader } from '../../../src/gateway/tools/answer-reader.ts'
import { tool, tools } from './support.ts'

async function saidTo(toolUse: ToolUse, mustCall: boolean): Promise<string> {
  const reader = new AnswerReader({ tools: toolUse, createCallId: () => 'call_1', mustCall, withText: true })
  await reader.read([{ type: 'text-delta', text: 'Let me see.' }])
  return reader.said
}

it('keeps what was said only where it may have to be mended', async () => {
  expect(await saidTo(tools(), false)).toBe('')
  expect(await saidTo(tools(), true)).toBe('Let me see.')
  expect(await saidTo(tools({ definitions: [tool('read', { strict: true })] }), false)).toBe('Let me see.')
})
