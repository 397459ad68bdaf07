import { expect, test } from 'vitest'
import { describeOutput } from '../../../src/gateway/output/describe-output.ts'

test('asks for an object alone', () => {
  expect(describeOutput({ type: 'json-object' })).toBe(
    'Answer with one JSON object. Write nothing else: no words before or after it, no code fence.',
  )
})

test('tells the schema, its name and what it is for', () => {
  const schema = { type: 'object', properties: { age: { type: 'integer' } } }
  const told = describeOutput({ type: 'json-schema', name: 'person', description: 'Who it is.', schema })
  expect(told).toContain('"person"')
  expect(told).toContain('Who it is.')
  expect(told).toContain('{"type":"object","properties":{"age":{"type":"integer"}}}')
})
