import fc from 'fast-check'
import { expect, it } from 'vitest'
import { answer, run } from './support.ts'

// Parts that the parser looks at, and what may confuse it.
const piece = fc.constantFrom(
  ...[
    '<tool_call>',
    '</tool_call>',
    '<tool_calls>',
    '<tool_',
    '<',
    '```',
    '```json\n',
    '`',
    '\n',
    ' ',
    '\\',
    '\\u00',
    'e9',
    '"',
  ],
  ...[
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '{"name":"read","arguments":{',
    '"name"',
    '"a":1',
    '"read"',
    'word',
    '😀',
    '\u0000',
  ],
  ...['{"name":"read","arguments":{"a":"b"}}', '{"name":"delete","arguments":{}}', '<tool_result>'],
  ...[
    '<function=read>',
    '<parameter=a>',
    '</parameter>',
    '</function>',
    '<invoke name="read">',
    '</invoke>',
    '<arg_key>',
    '</arg_value>',
  ],
  ...[
    'read',
    '[TOOL_CALLS]',
    '[read(a="b")]',
    '<|tool_call_begin|>',
    '<｜tool▁sep｜>',
    '//',
    "'",
    '<think>',
    '</think>',
    '~~~',
  ],
)
const rubbish = fc.array(piece, { maxLength: 20 }).map((pieces) => pieces.join(''))
const argumentsObject = fc.dictionary(
  fc.string({ unit: 'binary' }),
  fc.oneof(
    fc.json().map((json): unknown => JSON.parse(json)),
    rubbish,
    fc.string({ unit: 'binary' }),
  ),
)
const call = fc.record({ name: fc.constantFrom('read', 'write'), arguments: argumentsObject })
const written = (calls: readonly object[]) =>
  calls.map((each) => `<tool_call>${JSON.stringify(each)}</tool_call>`).join('\n')

/** The text in pieces that end where `cuts` say. */
function split(text: string, cuts: readonly number[]): readonly string[] {
  const ends = [...cuts.map((cut) => cut % (text.length + 1)), 0, text.length].sort((a, b) => a - b)
  return ends.slice(1).map((end, index) => text.slice(ends[index], end))
}
const cuts = fc.array(fc.nat(), { maxLength: 30 })

it('any calls come out as they are, however the stream is split', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 4 }), cuts, async (calls, at) => {
      const outcome = await run([answer(split(`Well.\n${written(calls)}`, at))])
      expect(outcome.answer).toEqual([
        'Well.',
        ...calls.map((each, index) => ({ id: `call_${index + 1}`, ...each })),
      ])
    }),
  )
})

it('one answer splits at every place to the same calls', async () => {
  const text = `Let me see.\n\n\`\`\`json\n${written([
    { name: 'read', arguments: { a: '</tool_call>\\"}{\n```' } },
    { name: 'write', arguments: {} },
  ])}\n\`\`\`\n`
  const whole = await run([answer([text])])
  for (let at = 0; at <= text.length; at += 1) {
    expect(await run([answer([text.slice(0, at), text.slice(at)])])).toEqual(whole)
  }
})

it('whatever comes, the split makes no difference, no call is half and without calls no character is lost', async () => {
  await fc.assert(
    fc.asyncProperty(rubbish, cuts, async (text, at) => {
      const whole = await run([answer([text]), answer(['NONE'])])
      expect(await run([answer(split(text, at)), answer(['NONE'])])).toEqual(whole)
      if (whole.finished?.reason !== 'tool-calls') expect(whole.answer.join('')).toBe(text)
    }),
    { numRuns: 2000 },
  )
})

it('an answer that ends anywhere within its call is text or the whole call', async () => {
  await fc.assert(
    fc.asyncProperty(call, fc.nat(), async (only, at) => {
      const text = written([only])
      const begin = text.slice(0, at % (text.length + 1))
      const { answer: parts } = await run([answer([...begin]), answer(['NONE'])])
      const isWhole = begin.length >= text.length - '}</tool_call>'.length
      expect(parts).toEqual(isWhole ? [{ id: 'call_1', ...only }] : begin === '' ? [] : [begin])
    }),
  )
})

const quotes = fc.constantFrom(
  (text: string) => `Do not run "${text}" yet.`,
  (text: string) => `It was \`${text}\`, I think.`,
  (text: string) => `\`\`\`xml\n${text}\n\`\`\`\nis how it looks.`,
  (text: string) => `For example:\n\`\`\`\n${text}\n\`\`\``,
  (text: string) => `~~~\n${text}\n~~~\nNo?`,
  (text: string) => `${text} is what I would write.`,
  (text: string) => `So:\n${text}\nI have not run it.`,
  (text: string) => `> ${text}\n`,
  (text: string) => `<pre>\n${text}\n</pre>`,
)

it('a call that is quoted is never run, and no character of it is lost', async () => {
  await fc.assert(
    fc.asyncProperty(call, quotes, cuts, async (only, quote, at) => {
      const text = quote(written([only]))
      const outcome = await run([answer(split(text, at)), answer([text])])
      expect(outcome.answer).toEqual([text])
      expect(outcome.finished?.reason).toBe('stop')
    }),
  )
})

it('long arguments come out as they are, however the stream is split', async () => {
  const long = fc.array(rubbish, { minLength: 100, maxLength: 400 })
  await fc.assert(
    fc.asyncProperty(long, cuts, async (lines, at) => {
      const only = { name: 'write', arguments: { lines, end: { x: [1, null] } } }
      const outcome = await run([answer(split(written([only]), at))])
      expect(outcome.answer).toEqual([{ id: 'call_1', ...only }])
    }),
  )
})

// No time is asserted: what takes quadratic work runs into the limit of the test.
const begun = '<tool_call>{"name":"write","arguments":{"a":"'
it.each([
  ['marks', '', '<'],
  ['quotes in a call', begun, '"'],
  ['quotes and commas in a call', begun, '",'],
  ['calls that break', '', '\n<tool_call>{?'],
  ['fences', '', '```\n{'],
  ['ends of a value', '<function=write><parameter=a>', '</parameter>'],
  ['a list of Python', '[read(a="', 'x'],
])('a megabyte of %s is read to its end', async (_what, head, part) => {
  const text = head + part.repeat(1_000_000 / part.length)
  const outcome = await run([answer(text.match(/[\s\S]{1,64}/g) ?? []), answer(['NONE'])]).catch(String)
  if (typeof outcome === 'string') expect(outcome).toContain('The model broke off in a tool call.')
  else expect(outcome.answer.join('')).toBe(text)
})
