import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  createUrlJudge,
  isLoopback,
  isPublicAddress,
  normaliseAddress,
  UrlNotAllowed,
} from '../../src/core/addresses.ts'

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

/** Networks that only this machine, its network or its cloud can reach. */
const inner = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  ['168.63.129.16', 32],
] as const

const toNumber = (text: string) => text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)

const innerAddress = fc
  .tuple(fc.constantFrom(...inner), fc.nat({ max: 2 ** 32 - 1 }))
  .map(([[base, bits], random]) => toNumber(base) + (bits === 32 ? 0 : random % 2 ** (32 - bits)))

const bytesOf = (address: number) => [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256)

/** A part of an address in each notation that URL parsers know. */
const part = (value: number, style: number) =>
  [
    String(value),
    `0${value.toString(8)}`,
    `0x${value.toString(16)}`,
    `0X${value.toString(16).toUpperCase()}`,
  ][style]

const styles = fc.array(fc.nat(3), { minLength: 4, maxLength: 4 })

/** Every way to write an IPv4 address as the host of a URL. */
const writtenIPv4 = fc
  .tuple(innerAddress, fc.integer({ min: 1, max: 4 }), styles, fc.boolean())
  .map(([address, parts, style, dot]) => {
    const heads = bytesOf(address).slice(0, parts - 1)
    const last = address % 2 ** (8 * (5 - parts))
    const text = [...heads, last].map((each, index) => part(each, style[index] ?? 0)).join('.')
    return dot ? `${text}.` : text
  })

/** IPv6 forms that carry an IPv4 address, and those that lie inside. */
const writtenIPv6 = fc.tuple(innerAddress, fc.nat({ max: 7 })).map(([address, form]) => {
  const [a = 0, b = 0, c = 0, d = 0] = bytesOf(address)
  const dotted = `${a}.${b}.${c}.${d}`
  const hex = `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
  return [
    `[::ffff:${dotted}]`,
    `[::FFFF:${hex}]`,
    `[::${dotted}]`,
    `[64:ff9b::${hex}]`,
    `[64:ff9b:1::${hex}]`,
    `[2002:${hex}::1]`,
    `[fd00:${hex}::1]`,
    `[fe80::${hex}]`,
  ][form]
})

const authority = fc.tuple(
  fc.constantFrom('', 'user@', 'www.genspark.ai@', 'www.genspark.ai:443@', '%20@'),
  fc.oneof(writtenIPv4, writtenIPv6),
  fc.constantFrom('', ':80', ':8443', ':65535'),
)

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
        authority,
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
