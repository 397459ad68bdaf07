import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compileSchema } from '../../../src/gateway/stages/compile-schema.ts'
import { isPlainSchema } from '../../../src/gateway/stages/is-plain-schema.ts'

test('a schema as tools have them is plain', () => {
  const schema = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    type: 'object',
    properties: {
      path: { type: 'string', description: 'Where to.', minLength: 1, format: 'uri' },
      lines: { type: 'array', items: { type: 'integer', minimum: 0 }, maxItems: 9, default: [] },
      mode: { anyOf: [{ enum: ['read', 'write', 7] }, { type: ['null', 'boolean'] }, { const: null }] },
      rest: { type: 'object', additionalProperties: true },
    },
    required: ['path', 'lines'],
    additionalProperties: false,
  }
  expect(isPlainSchema(schema)).toBe(true)
  expect(isPlainSchema({ type: 'object' })).toBe(true)
})

test.each([
  ['a pattern', { pattern: '(' }],
  ['a reference', { $ref: '#' }],
  ['a name of its own', { $id: 'https://example.com/a' }],
  ['another draft', { $schema: 'http://json-schema.org/draft-04/schema#' }],
  ['a list of schemas for items', { items: [{ type: 'string' }] }],
  ['an unknown keyword', { properties: { a: { nullable: true } } }],
  ['more than is compiled in a moment', { enum: Array.from({ length: 3_000 }, (_, index) => index) }],
  ['many levels', Array.from({ length: 30 }).reduce((inner) => ({ items: inner }), {}) as object],
])('a schema with %s is not', (_what, schema) => {
  expect(isPlainSchema({ ...schema })).toBe(false)
})

const keywords = [
  ...['$schema', 'title', 'description', 'format', 'type', 'properties', 'additionalProperties', 'items'],
  ...[
    'anyOf',
    'oneOf',
    'allOf',
    'not',
    'required',
    'enum',
    'const',
    'default',
    'minimum',
    'exclusiveMaximum',
  ],
  ...['minLength', 'maxItems', 'pattern', 'id', '$async', 'nullable', '__proto__', 'constructor'],
]
const { schema: anySchema } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.constantFrom<unknown>(
      'a',
      'object',
      'string',
      '',
      0,
      -1,
      1.5,
      1e20,
      Number.POSITIVE_INFINITY,
      true,
      null,
    ),
    fc.array(fc.constantFrom<unknown>('a', 'string', 'null', 1, null), { maxLength: 3 }),
    tie('schema'),
    fc.array(tie('schema'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', '__proto__', 'id'), tie('schema'), { maxKeys: 2 }),
  ),
  schema: fc
    .array(fc.tuple(fc.constantFrom(...keywords), tie('value')), { maxLength: 4 })
    .map((entries): object => JSON.parse(`{${entries.map(([key, value]) => memberOf(key, value)).join()}}`)),
}))

/** As in a request: JSON has no infinity but 1e999, and can name a member `__proto__`. */
const memberOf = (key: string, value: unknown): string =>
  `${JSON.stringify(key)}:${value === Number.POSITIVE_INFINITY ? '1e999' : JSON.stringify(value)}`

test('what is called plain can always be compiled', () => {
  let plain = 0
  fc.assert(
    fc.property(anySchema, (schema) => {
      if (!isPlainSchema(schema as Record<string, unknown>)) return
      plain += 1
      expect(compileSchema(schema as Record<string, unknown>)).toHaveProperty('check')
    }),
    { numRuns: 20_000 },
  )
  expect(plain).toBeGreaterThan(1_000)
})
