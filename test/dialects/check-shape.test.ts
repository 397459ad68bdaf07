import { expect, it } from 'vitest'
import { z } from 'zod'
import { checkShape } from '../../src/dialects/check-shape.ts'

const schema = z.object({
  metadata: z.record(z.string(), z.string()),
  list: z.array(z.object({ a: z.string() })),
})

it.each([
  [{ metadata: { colour: 1 }, list: [] }, 'metadata.colour'],
  [{ metadata: {}, list: [{ a: 'b' }, { a: 1 }] }, 'body.list[1].a', 'body'],
])('tells the first fault by its place', (value, param, at = '') => {
  expect(() => checkShape(schema, value, at)).toThrow(
    expect.objectContaining({ code: 'invalid_value', param }),
  )
})

it('does not tell a long name of the client in full', () => {
  const value = { metadata: { ['k'.repeat(1_000_000)]: 1 }, list: [] }
  const param = `metadata.${'k'.repeat(64)}...`
  expect(() => checkShape(schema, value)).toThrow(
    expect.objectContaining({ param, message: `${param}: Invalid input: expected string, received number.` }),
  )
})
