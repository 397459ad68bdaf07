import { describe, expect, it } from 'vitest'
import { readRatio, readSize, readVideoSize } from '../../src/dialects/size.ts'

describe('readSize', () => {
  it.each([
    [undefined, undefined, undefined],
    ['', undefined, undefined],
    ['auto', undefined, undefined],
    ['256x256', '1:1', '0.5k'],
    ['1024x1024', '1:1', '1k'],
    ['1792x1024', '7:4', '1k'],
    ['1024x1792', '4:7', '1k'],
    ['1536x1024', '3:2', '1k'],
    ['1024x1536', '2:3', '1k'],
    ['1280x1024', '5:4', '1k'],
    ['2048X2048', '1:1', '2k'],
    ['3840 x 2160', '16:9', '4k'],
    ['10000x10', '1000:1', '4k'],
    ['4K', undefined, '4k'],
    ['0.5k', undefined, '0.5k'],
    ['4:3', '4:3', undefined],
  ])('reads %j as ratio %j and size %j', (size, aspectRatio, imageSize) => {
    expect(readSize(size, 'size')).toEqual({ aspectRatio, imageSize })
  })

  it.each(['0x0', '1024', 'x', '1024x', '-1x5', '1e3x1e3', '8k', '999999x999999'])('refuses %j', (size) => {
    expect(() => readSize(size, 'size')).toThrow(expect.objectContaining({ param: 'size' }))
  })
})

describe('readRatio', () => {
  it('knows a ratio when it sees one', () => {
    expect(readRatio('auto', 'aspect_ratio')).toBeUndefined()
    expect(readRatio('9:21', 'aspect_ratio')).toBe('9:21')
    for (const given of ['wide', '0:1', '1:', '16/9'])
      expect(() => readRatio(given, 'aspect_ratio')).toThrow(
        expect.objectContaining({ code: 'invalid_value' }),
      )
  })
})

describe('readVideoSize', () => {
  it('takes pixels, a ratio or auto', () => {
    expect(readVideoSize('1280x720')).toBe('16:9')
    expect(readVideoSize('9:16')).toBe('9:16')
    expect(readVideoSize('auto')).toBeUndefined()
    expect(() => readVideoSize('720p')).toThrow(expect.objectContaining({ param: 'size' }))
  })
})
