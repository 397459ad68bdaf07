import { describe, expect, it } from 'vitest'
import { readRange, sliceBytes } from '../../src/http/site-file.ts'

describe('readRange', () => {
  it.each([
    ['bytes=0-1', { start: 0, end: 1 }],
    ['bytes=5-', { start: 5, end: 9 }],
    ['bytes=5-500', { start: 5, end: 9 }],
    ['bytes=-3', { start: 7, end: 9 }],
    ['bytes=-500', { start: 0, end: 9 }],
    ['bytes=10-', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['', undefined],
    ['bytes=-', undefined],
    ['bytes=3-2', undefined],
    ['bytes=0-1,3-4', undefined],
    ['lines=0-1', undefined],
    ['bytes=a-b', undefined],
  ])('reads %j of ten bytes', (header, range) => {
    expect(readRange(header, 10)).toEqual(range)
  })
})

describe('sliceBytes', () => {
  const bytes = Buffer.from('0123456789')

  it('cuts every range right, however the source is cut', async () => {
    for (const chunkLength of [1, 3, 10]) {
      for (let start = 0; start < 10; start += 1) {
        for (let end = start; end < 10; end += 1) {
          const cut = await read(sliceBytes(inChunks(chunkLength), { start, end }))
          expect(cut).toBe('0123456789'.slice(start, end + 1))
        }
      }
    }
  })

  it('leaves the source at the end of the range', async () => {
    let left = false
    async function* source() {
      try {
        for (;;) yield bytes
      } finally {
        left = true
      }
    }
    expect(await read(sliceBytes(source(), { start: 5, end: 14 }))).toBe('5678901234')
    expect(left).toBe(true)
  })

  async function read(source: AsyncIterable<Uint8Array>): Promise<string> {
    let text = ''
    for await (const chunk of source) text += Buffer.from(chunk).toString()
    return text
  }

  async function* inChunks(length: number) {
    for (let start = 0; start < bytes.length; start += length) yield bytes.subarray(start, start + length)
  }
})
