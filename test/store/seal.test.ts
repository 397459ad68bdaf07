import { createSecretKey, randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createSeal } from '../../src/store/seal.ts'

const one = createSecretKey(randomBytes(32))
const two = createSecretKey(randomBytes(32))

describe('createSeal', () => {
  it('opens what it closed, and shows nothing of it', () => {
    const sealed = createSeal([one]).close('session_id=canary', 'a')
    expect(sealed).not.toContain('canary')
    expect(Buffer.from(sealed.slice('sealed:'.length), 'base64').toString('latin1')).not.toContain('canary')
    expect(createSeal([one]).open(sealed, 'a')).toEqual({ text: 'session_id=canary', stale: false })
  })

  it('closes the same text differently each time', () => {
    const seal = createSeal([one])
    expect(seal.close('text', 'a')).not.toBe(seal.close('text', 'a'))
  })

  it('the first key seals, all open', () => {
    const old = createSeal([one]).close('text', 'a')
    expect(createSeal([two, one]).open(old, 'a')).toEqual({ text: 'text', stale: true })
    const fresh = createSeal([two, one]).close('text', 'a')
    expect(createSeal([two]).open(fresh, 'a')).toEqual({ text: 'text', stale: false })
    expect(createSeal([one]).open(fresh, 'a')).toBeUndefined()
  })

  it('opens for no other id, no other key and not after a change', () => {
    const seal = createSeal([one])
    const sealed = seal.close('text', 'a')
    expect(seal.open(sealed, 'b')).toBeUndefined()
    expect(createSeal([]).open(sealed, 'a')).toBeUndefined()
    for (let at = 'sealed:'.length; at < sealed.length - 2; at += 1) {
      const changed = sealed.slice(0, at) + (sealed[at] === 'A' ? 'B' : 'A') + sealed.slice(at + 1)
      expect(seal.open(changed, 'a')).toBeUndefined()
    }
    expect(seal.open('sealed:', 'a')).toBeUndefined()
  })

  it('leaves texts open without a key, and takes open ones for stale with one', () => {
    expect(createSeal([]).close('text', 'a')).toBe('text')
    expect(createSeal([]).open('text', 'a')).toEqual({ text: 'text', stale: false })
    expect(createSeal([one]).open('text', 'a')).toEqual({ text: 'text', stale: true })
  })
})
