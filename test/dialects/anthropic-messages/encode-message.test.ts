import { expect, it } from 'vitest'
import { UpstreamError } from '../../../src/core/errors.ts'
import { encodeResponse } from '../../../src/dialects/anthropic-messages/encode-message.ts'
import { answerOf, args, call, finished, messageOptions, text, thought } from './support.ts'

it('collects thinking, text and calls into one message', async () => {
  const batches = [
    [thought('Hm'), text('Hel')],
    [text('lo')],
    [call('call_1', 'weather'), args('{"city":"Pa'), args('ris"}'), call('call_2', 'now')],
    [{ type: 'finished', reason: 'tool-calls' } as const],
  ]
  expect(await encodeResponse(answerOf(batches), messageOptions())).toEqual({
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude-sonnet-5',
    content: [
      { type: 'thinking', thinking: 'Hm', signature: 'dW5zaWduZWQ=' },
      { type: 'text', text: 'Hello', citations: null },
      {
        type: 'tool_use',
        id: 'toolu_1',
        name: 'weather',
        input: { city: 'Paris' },
        caller: { type: 'direct' },
      },
      { type: 'tool_use', id: 'toolu_2', name: 'now', input: {}, caller: { type: 'direct' } },
    ],
    stop_reason: 'tool_use',
    stop_sequence: null,
    stop_details: null,
    container: null,
    usage: {
      input_tokens: 4,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 0,
      output_tokens: 33,
      output_tokens_details: { thinking_tokens: 2 },
    },
  })
})

it('leaves hidden thinking out', async () => {
  const answer = answerOf([[thought('Hm')], [text('Hi'), finished]])
  const { content } = await encodeResponse(answer, messageOptions({ showThinking: false }))
  expect(content).toEqual([{ type: 'text', text: 'Hi', citations: null }])
})

it('tells the stop sequence, and a refusal', async () => {
  const stopped = answerOf([
    [text('Hi')],
    [{ type: 'finished', reason: 'stop', stopSequence: '\n' } as const],
  ])
  expect(await encodeResponse(stopped, messageOptions())).toMatchObject({
    stop_reason: 'stop_sequence',
    stop_sequence: '\n',
  })
  const refused = answerOf([[{ type: 'refusal', text: 'It does not fit.' }, finished]])
  expect(await encodeResponse(refused, messageOptions())).toMatchObject({
    content: [{ type: 'text', text: 'It does not fit.' }],
    stop_reason: 'refusal',
    stop_details: { type: 'refusal' },
  })
})

it('gives nothing of an answer that breaks', async () => {
  const failure = new UpstreamError('reset')
  await expect(encodeResponse(answerOf([[text('Half')]], failure), messageOptions())).rejects.toBe(failure)
})
