import fc from 'fast-check'
import { expect, it } from 'vitest'
import { encodeDelta, toLine, toTextLine } from '../../src/dialects/event-text.ts'

const anyText = fc.string({
  unit: fc.nat({ max: 0xffff }).map((unit) => String.fromCharCode(unit)),
  maxLength: 60,
})

it('writes a text as JSON on one line, whatever its characters', () => {
  fc.assert(
    fc.property(fc.oneof(anyText, fc.string({ unit: 'grapheme' })), (text) => {
      const line = toTextLine(text)
      expect(line).toBe(toLine(text))
      expect(JSON.parse(line)).toBe(text)
      expect(line).not.toMatch(/[\n\r\u0085\u2028\u2029]/)
    }),
    { numRuns: 2000 },
  )
  for (let unit = 0; unit <= 0xffff; unit++) {
    const text = String.fromCharCode(unit)
    if (toTextLine(text) !== toLine(text)) expect.fail(`unit ${unit}`)
  }
})

it('splits a long delta into events of their own, never inside a surrogate pair', () => {
  const text = `a${'😀'.repeat(3000)}`
  const parts = encodeDelta('<', text, '>').slice(1, -1).split('><')
  expect(parts.length).toBe(3)
  const texts = parts.map((part): string => JSON.parse(part))
  expect(texts.every((part) => part.isWellFormed())).toBe(true)
  expect(texts.join('')).toBe(text)
})
