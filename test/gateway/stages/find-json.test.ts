import fc from 'fast-check'
import { expect, test } from 'vitest'
import { findJson } from '../../../src/gateway/stages/find-json.ts'

test.each([
  ['all of the text', ' {"a": 1}\n', ['{"a": 1}']],
  ['a plain value', '"a {b}"', ['"a {b}"']],
  ['a fence around it', '```json\n{"a": 1}\n```', ['{"a": 1}']],
  ['a fence without a language', '```\n[1]\n```\n', ['[1]']],
  ['a fence between words', 'Here it is:\n```json\n{"a": 1}\n```\nEnjoy.', ['{"a": 1}']],
  ['words around it', 'Sure! {"a": 1} is the answer.', ['{"a": 1}']],
  ['brackets and quotes in strings', 'So: {"a": "}\\"]{", "b": []} ok', ['{"a": "}\\"]{", "b": []}']],
  ['a fence in a string', 'So: {"a": "```json\\n{}\\n```"}', ['{"a": "```json\\n{}\\n```"}']],
  ['several, the longest first', 'In [1] we see {"a": 1}.', ['{"a": 1}', '[1]']],
  ['brackets that are no JSON', 'For {name} use {"a": 1}', ['{"a": 1}']],
  ['a bracket that nobody closes', 'Say :-[ and {"a": 1}', ['{"a": 1}']],
  ['none', 'I cannot answer in JSON.', []],
  ['half a value', '{"a": 1', []],
])('finds %s', (_what, said, texts) => {
  const found = findJson(said)
  expect(found.map(({ text }) => text)).toEqual(texts)
  expect(found.map(({ value }) => value)).toEqual(texts.map((text) => JSON.parse(text)))
})

test.each([
  ['a comma too many', '{"a": 1,}', '{"a":1}'],
  ['a comma too many in a list', 'So: [1, 2,]', '[1,2]'],
  ['a bare line break in a string', '```json\n{"a": "b\nc"}\n```', '{"a":"b\\nc"}'],
  ['a comment', '{"a": 1 // one\n}', '{"a":1}'],
  ['a quote without its escape', '{"a": "say "hi" to", "b": 2}', '{"a":"say \\"hi\\" to","b":2}'],
  ['single quotes', "{'a': 'b'}", '{"a":"b"}'],
])('FINDINGS T7: mends %s', (_what, said, text) => {
  expect(findJson(said)).toEqual([{ text, value: JSON.parse(text) }])
})

test('finds any object between any words without brackets and quotes', () => {
  const words = fc.string().map((text) => text.replace(/[[\]{}"]/g, ' '))
  fc.assert(
    fc.property(words, fc.dictionary(fc.string(), fc.jsonValue()), words, (before, value, after) => {
      const json = JSON.stringify(value, null, 2)
      expect(findJson(`${before}${json}${after}`)).toContainEqual({ text: json, value: JSON.parse(json) })
    }),
  )
})

test.each([
  ['opening brackets', '{'.repeat(1_000_000)],
  ['pairs of brackets in one that stays open', `[${'{}'.repeat(500_000)}`],
  ['pairs of brackets', '{}'.repeat(500_000)],
  ['opening quotes after a bracket', `x [${'"'.repeat(999_999)}`],
  ['a string that does not end', `x ["${'a'.repeat(1_000_000)}`],
])('a megabyte of %s takes no more work than other text', (_what, said) => {
  expect(findJson(said).length).toBeLessThan(5)
})
