import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isBase64, parseFile, parseImage, parseImageBytes } from '../../src/dialects/attachments.ts'

/** One pixel. */
const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

describe('isBase64', () => {
  const byPattern = (text: string) => /^[A-Za-z0-9+/]+={0,2}$/.test(text)

  it('judges as the pattern does, whatever stands where in a long text', () => {
    const digits = fc.nat({ max: 9 }).map((more) => 'AZaz09+/'.repeat(8 * 1024).slice(0, 40_000 + more))
    const spot = fc.constantFrom(
      '',
      'A',
      '=',
      '-',
      '_',
      ' ',
      '\n',
      '\u00e9',
      '\u0141',
      '\u2028',
      '\0',
      '====',
    )
    const end = fc.constantFrom('', '=', '==', '===', 'A=', '\n')
    fc.assert(
      fc.property(digits, fc.nat({ max: 40_000 }), spot, end, (text, place, odd, tail) => {
        const given = text.slice(0, place) + odd + text.slice(place) + tail
        expect(isBase64(given)).toBe(byPattern(given))
      }),
      { numRuns: 300 },
    )
  })

  it.each(['', '=', 'A', 'AB', 'ABC=', 'AB==', 'A===', 'A-B_', 'AB C'])(
    'judges %j as the pattern does',
    (text) => {
      expect(isBase64(text)).toBe(byPattern(text))
    },
  )
})

describe('attachments', () => {
  it('know a picture by its head, however long it is', async () => {
    const base64 = Buffer.concat([Buffer.from(png, 'base64'), Buffer.alloc(200_000, 7)]).toString('base64')
    const image = { type: 'image', mimeType: 'image/png', base64 }
    expect(await parseImage(`data:image/jpeg;base64,${base64}`, 'at')).toEqual(image)
    expect(await parseImage(base64, 'at', { bare: true })).toEqual(image)
    expect(await parseFile('a.png', base64, 'at')).toEqual(image)
    expect(await parseImageBytes(Buffer.from(base64, 'base64'), 'at')).toEqual(image)
  })

  it('refuse what is no picture, and base64 that is none', async () => {
    const fault = expect.objectContaining({ code: 'invalid_value', param: 'at' })
    const words = Buffer.alloc(100_000, 'no picture ').toString('base64')
    await expect(parseImage(words, 'at', { bare: true })).rejects.toThrow(fault)
    await expect(parseImage(`data:image/png;base64,${png.repeat(900)}!`, 'at')).rejects.toThrow(fault)
    await expect(parseImage(png, 'at')).rejects.toThrow(fault)
  })

  it('keep the type that the client says of a file whose bytes do not tell', async () => {
    const base64 = Buffer.from('a,b').toString('base64')
    expect(await parseFile('../x/a.csv', `data:text/csv;base64,${base64}`, 'at')).toEqual({
      type: 'file',
      name: 'a.csv',
      mimeType: 'text/csv',
      base64,
    })
  })
})
