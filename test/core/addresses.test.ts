import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  createUrlJudge,
  isLoopback,
  isPublicAddress,
  normaliseAddress,
  UrlNotAllowed,
} from '../../src/core/addresses.ts'
import { bytesOf, innerAddress, innerAuthority } from '../support/inner-addresses.ts'

describe('normaliseAddress', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::ffff:c000:201', '192.0.2.1'],
    ['2001:DB8:0:0::1', '2001:db8::1'],
    ['::1', '::1'],
    ['::ffff:nonsense', undefined],
    ['nonsense', undefined],
    ['', undefined],
  ])('writes %j as %j', (text, address) => {
    expect(normaliseAddress(text)).toBe(address)
  })
})

describe('isLoopback', () => {
  it.each([
    ['127.0.0.1', true],
    ['127.1.2.3', true],
    ['::1', true],
    ['::ffff:127.0.0.1', true],
    ['192.0.2.1', false],
    ['2001:db8::1', false],
    ['localhost', false],
  ])('%s: %s', (address, expected) => {
    expect(isLoopback(address)).toBe(expected)
  })
})

describe('createUrlJudge', () => {
  const judge = createUrlJudge({
    // Names lead nowhere in this test; addresses to themselves, as the system's resolver has it.
    resolve: async (host) => [{ address: host, family: host.includes(':') ? 6 : 4 }],
  })

  it('lets no form of an inner address pass', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('http:', 'https:', 'HTTP:', ' http:'),
        fc.constantFrom('//', '\\\\', '/\\', '////'),
        innerAuthority,
        async (scheme, slashes, [user, host, port]) => {
          await expect(judge(`${scheme}${slashes}${user}${host}${port}/x`)).rejects.toThrow(UrlNotAllowed)
        },
      ),
      { numRuns: 2_000 },
    )
  })

  it('refuses a host one of whose addresses is inner', async () => {
    await fc.assert(
      fc.asyncProperty(innerAddress, fc.nat(2), async (address, at) => {
        const addresses = ['8.8.8.8', '1.1.1.1'].toSpliced(at, 0, bytesOf(address).join('.'))
        const mixed = createUrlJudge({
          resolve: async () => addresses.map((each) => ({ address: each, family: 4 })),
        })
        await expect(mixed('https://name.example/')).rejects.toThrow(UrlNotAllowed)
      }),
    )
  })

  it('lets public addresses pass, and gives them to connect to', async () => {
    for (const host of ['8.8.8.8', '93.184.216.34', '[2606:4700:4700::1111]'])
      expect((await judge(`https://${host}/`)).addresses).toHaveLength(1)
  })

  it.each([
    'file:///etc/passwd',
    'ftp://8.8.8.8/',
    'data:image/png;base64,AA==',
    'javascript:1',
    '',
    '//8.8.8.8',
  ])('refuses %j', async (url) => {
    await expect(judge(url)).rejects.toThrow(UrlNotAllowed)
  })

  it('gives up a look-up with its signal', async () => {
    const reason = new Error('gone')
    const stuck = createUrlJudge({ resolve: () => new Promise(() => {}) })
    await expect(stuck('https://name.example/', AbortSignal.abort(reason))).rejects.toBe(reason)
  })
})

describe('isPublicAddress', () => {
  it('is never true of what is no address', () => {
    fc.assert(fc.property(fc.string(), (text) => fc.pre(!/^[\d.]+$|:/.test(text)) ?? !isPublicAddress(text)))
  })
})
