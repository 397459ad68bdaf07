import { expect, test } from 'vitest'
import { Answer } from '../../src/upstream/answer.ts'

const usage = { prompt_tokens: 7, completion_tokens: 11 }

function closedAnswer(): Answer {
  const answer = new Answer({
    decodeEvent(_event, self) {
      self.text('Hello')
      self.closed = true
      return true
    },
    bound: false,
    countUnknown: () => {},
  })
  answer.decode('{}')
  return answer
}

test('after the last event only figures count', () => {
  const answer = closedAnswer()
  for (const data of ['no JSON', '[DONE]', '{"content":"more"}', JSON.stringify({ choices: [], usage })])
    expect(answer.decode(data)).toBe(false)
  expect(answer.take()).toEqual([{ type: 'text-delta', text: 'Hello' }])
  const told = { prompt: 7, completion: 11, reasoning: 0 }
  expect(answer.finish()).toEqual([{ type: 'finished', reason: 'stop', usage: told }])
})

test('an answer of which the site told no figures has none', () => {
  expect(closedAnswer().finish()).toEqual([{ type: 'finished', reason: 'stop' }])
})
