import { describe, expect, test } from 'vitest'
import {
  createJsonCheck,
  createQueue,
  createTextCache,
  verifySchema,
} from '../../../src/gateway/stages/check-json.ts'

const person = {
  type: 'object',
  properties: { name: { type: 'string' }, age: { type: 'integer', minimum: 0 } },
  required: ['name', 'age'],
  additionalProperties: false,
}

test('a value that fits has no faults', async () => {
  const check = await createJsonCheck(person)
  expect(await check({ name: 'Ada', age: 36 })).toBeUndefined()
})

test.each([
  ['a field of another type', { name: 7, age: 1 }, 'at /name: must be string'],
  ['a field that lacks', { name: 'Ada' }, "at the top: must have required property 'age'"],
  ['a value of another type', [], 'at the top: must be object'],
  [
    'a field too many',
    { name: 'Ada', age: 1, title: 'Countess' },
    'at the top: must NOT have additional properties: "title"',
  ],
  ['two faults', { name: null, age: -1 }, 'at /name: must be string; at /age: must be >= 0'],
])('tells of %s', async (_what, value, faults) => {
  const check = await createJsonCheck(person)
  expect(await check(value)).toBe(faults)
})

test('names the values that are allowed, and not the one that came', async () => {
  const check = await createJsonCheck({ enum: ['red', 'green'] })
  expect(await check('secret')).toBe(
    'at the top: must be equal to one of the allowed values: ["red","green"]',
  )
})

test('tells of many faults in few words', async () => {
  const check = await createJsonCheck({ items: { type: 'string' } })
  const faults = await check(Array.from({ length: 1000 }, (_, index) => index))
  expect(faults).toContain('at /0: must be string; at /1: must be string')
  expect(faults).toContain('1000 in all')
  expect(faults?.length).toBeLessThan(400)
})

test.each([
  '\\A[A-Z]+\\Z',
  '(?i)^[a-z]{2}-\\d$',
  '^(?P<year>\\d+)$',
  '^[[:alpha:]]+$',
  '^\\p{Alpha}+$',
  '^a++$',
  '^\\h+$',
  '^a{,3}$',
])('FINDINGS T4: does not check a pattern of another language: %s', async (pattern) => {
  const schema = { type: 'object', properties: { a: { type: 'string', pattern } }, required: ['a'] }
  await verifySchema(schema)
  const check = await createJsonCheck(schema)
  expect(await check({ a: 'AB' })).toBeUndefined()
  expect(await check({ a: 1 })).toContain('must be string')
})

test.each([
  ['definitions', { $ref: '#/$defs/word', $defs: { word: { type: 'string' } } }, 'a', 1],
  ['older definitions', { $ref: '#/definitions/word', definitions: { word: { type: 'string' } } }, 'a', 1],
  ['a tuple', { prefixItems: [{ type: 'string' }], items: false }, ['a'], ['a', 'b']],
  [
    'a tuple of draft 7',
    {
      $schema: 'http://json-schema.org/draft-07/schema#',
      items: [{ type: 'string' }],
      additionalItems: false,
    },
    ['a'],
    ['a', 'b'],
  ],
  ['a format', { format: 'date' }, '2026-02-28', '2026-02-30'],
  ['a format that nobody knows', { type: 'string', format: 'colour' }, 'red', 1],
  ['a keyword that nobody knows', { type: 'string', 'x-note': { any: 1 } }, 'red', 1],
  ['a Unicode pattern', { pattern: '^\\p{L}+$' }, 'Łódź', '1'],
  ['a pattern with needless escapes', { pattern: '^[\\w-.]\\_$' }, 'a_', 'a'],
  ['escapes of slashes', { pattern: '^https\\:\\/\\/' }, 'https://a', 'ftp://a'],
  ['an inherited name', { type: 'object', required: ['constructor'] }, { constructor: 1 }, {}],
  ['a schema that points to itself', { type: 'array', items: { $ref: '#' } }, [[], [[]]], [[1]]],
])('understands %s', async (_what, schema, good, bad) => {
  const check = await createJsonCheck(schema)
  expect(await check(good)).toBeUndefined()
  expect(await check(bad)).toBeTypeOf('string')
})

test.each([
  ['an unknown type', { type: 'text' }, 'at /type: must be equal to one of the allowed values'],
  ['a pattern that is none', { pattern: '(' }, 'Invalid regular expression'],
  ['a reference to nowhere', { $ref: '#/$defs/none' }, "can't resolve reference"],
  ['a reference to another host', { $ref: 'http://127.0.0.1:1/schema' }, "can't resolve reference"],
  ['an asynchronous schema', { $async: true, type: 'object' }, '"$async" is not allowed'],
  ['a schema without end', { enum: ['x'.repeat(300_000)] }, 'longer than 131072 characters'],
  ['a draft that is no text', { $schema: 7 }, 'at /$schema: must be string'],
])('refuses %s', async (_what, schema, reason) => {
  await expect(createJsonCheck(schema)).rejects.toThrow(
    expect.objectContaining({ name: 'InvalidSchemaError' }),
  )
  await expect(createJsonCheck(schema)).rejects.toThrow(reason)
})

test('one schema does not know the names of another', async () => {
  await createJsonCheck({ $id: 'https://example.com/word', type: 'string' })
  await expect(createJsonCheck({ $id: 'https://example.com/word', type: 'number' })).resolves.toBeTypeOf(
    'function',
  )
  await expect(createJsonCheck({ $ref: 'https://example.com/word' })).rejects.toThrow("can't resolve")
})

/** 2 to the 60th ways to fail. */
const exponential = {
  $ref: '#/$defs/0',
  $defs: {
    ...Object.fromEntries(
      Array.from({ length: 60 }, (_, index) => {
        const next = { $ref: `#/$defs/${index + 1}` }
        return [index, { anyOf: [next, next] }]
      }),
    ),
    60: { type: 'string' },
  },
}

test.each([
  ['a catastrophic pattern', { pattern: '^(a+)+$' }, `${'a'.repeat(60)}b`],
  ['a schema of exponential cost', exponential, 1],
])('%s gets no further than its deadline, and other work goes on', async (_what, schema, value) => {
  const check = await createJsonCheck(schema)
  let turns = 0
  const ticking = setInterval(() => {
    turns += 1
  }, 10)
  expect(await check(value)).toBe('it takes too long to check against the schema')
  clearInterval(ticking)
  expect(turns).toBeGreaterThan(20)
})

test('a check that takes longer than a moment is made nevertheless', async () => {
  const check = await createJsonCheck({ pattern: '^(a+)+$' })
  // Twice the time for each letter.
  expect(await check(`${'a'.repeat(23)}b`)).toBe('at the top: must match pattern "^(a+)+$"')
})

test('a schema that takes longer than a moment is read nevertheless', async () => {
  const properties = Object.fromEntries(
    Array.from({ length: 600 }, (_, index) => [
      `field${index}`,
      { anyOf: [{ type: 'string' }, { type: 'null' }] },
    ]),
  )
  const check = await createJsonCheck({ type: 'object', properties })
  expect(await check({ field7: null })).toBeUndefined()
  expect(await check({ field7: 7 })).toContain('at /field7: must be string')
})

test('a value nested without end is a fault', async () => {
  const check = await createJsonCheck({ items: { $ref: '#' } })
  const deep = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000))
  expect(await check(deep)).toBe('it is nested too deeply')
})

describe('the queue of the thread', () => {
  test('does one piece of work at a time, in order', async () => {
    const queue = createQueue({ maxWaiting: 3 })
    const steps: string[] = []
    const work = (name: string) => async () => {
      steps.push(`${name} begins`)
      await Promise.resolve()
      steps.push(`${name} ends`)
      return name
    }
    expect(await Promise.all([queue(work('a')), queue(work('b'))])).toEqual(['a', 'b'])
    expect(steps).toEqual(['a begins', 'a ends', 'b begins', 'b ends'])
  })

  test('goes on after work that failed', async () => {
    const queue = createQueue({ maxWaiting: 3 })
    const failed = queue(() => Promise.reject(new Error('no')))
    const done = queue(async () => 'yes')
    await expect(failed).rejects.toThrow('no')
    expect(await done).toBe('yes')
  })

  test('turns away whoever would wait too long, until there is room again', async () => {
    const queue = createQueue({ maxWaiting: 1 })
    const { promise: gate, resolve: open } = Promise.withResolvers<void>()
    const first = queue(() => gate)
    const second = queue(() => gate)
    await expect(queue(() => gate)).rejects.toMatchObject({ code: 'queue_full' })
    open()
    await Promise.all([first, second])
    expect(await queue(async () => 'room')).toBe('room')
  })
})

describe('verifySchema', () => {
  const refused = expect.objectContaining({ name: 'InvalidSchemaError' })

  test('is content with a schema that can be used, each time', async () => {
    for (const schema of [person, { pattern: '^a+$' }, person, { pattern: '^a+$' }])
      await expect(verifySchema(schema)).resolves.toBeUndefined()
  })

  test('refuses one that cannot, each time', async () => {
    for (const schema of [{ type: 'text' }, { type: 'text' }, { pattern: '(' }, { enum: [] }])
      await expect(verifySchema(schema)).rejects.toThrow(refused)
    await expect(verifySchema({ description: 'x'.repeat(200_000) })).rejects.toThrow(refused)
  })

  test('a schema that it has seen is checked against as any other', async () => {
    const schema = { type: 'object', properties: { seen: { type: 'string' } }, required: ['seen'] }
    await verifySchema(schema)
    for (const value of [{ seen: 1 }, {}]) expect(await (await createJsonCheck(schema))(value)).toBeDefined()
    expect(await (await createJsonCheck(schema))({ seen: 'x'.repeat(1_000_000) })).toBeUndefined()
  })
})

describe('the cache of texts', () => {
  test('forgets first what was not used for longest', () => {
    const cache = createTextCache<number>({ maxEntries: 2, maxLength: 100 })
    cache.add('one', 1)
    cache.add('two', 2)
    expect(cache.find('one')).toBe(1)
    cache.add('three', 3)
    expect(['one', 'two', 'three'].map(cache.find)).toEqual([1, undefined, 3])
  })

  test('keeps no more text than it may', () => {
    const cache = createTextCache<number>({ maxEntries: 9, maxLength: 10 })
    cache.add('12345', 1)
    cache.add('1234', 2)
    cache.add('1234', 3)
    cache.add('12', 4)
    expect(['12345', '1234', '12'].map(cache.find)).toEqual([undefined, 3, 4])
    cache.add('longer than all of it', 5)
    expect(['1234', '12', 'longer than all of it'].map(cache.find)).toEqual([undefined, undefined, undefined])
  })
})
