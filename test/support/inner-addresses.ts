import fc from 'fast-check'

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

export const innerAddress = fc
  .tuple(fc.constantFrom(...inner), fc.nat({ max: 2 ** 32 - 1 }))
  .map(([[base, bits], random]) => toNumber(base) + (bits === 32 ? 0 : random % 2 ** (32 - bits)))
  // 127.0.0.2 passes for a public address in the tests of the upstream.
  .filter((address) => address !== 0x7f000002)

export const bytesOf = (address: number) =>
  [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256)

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

/** User, host and port of a URL that leads inside. */
export const innerAuthority = fc.tuple(
  fc.constantFrom('', 'user@', 'www.genspark.ai@', 'www.genspark.ai:443@', '%20@'),
  fc.oneof(writtenIPv4, writtenIPv6),
  fc.constantFrom('', ':80', ':8443', ':65535'),
)
