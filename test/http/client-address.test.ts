import { describe, expect, it } from 'vitest'
import { startApp } from './support/start-app.ts'

/** Is a client that sends this header taken for the blocked address? */
async function statusWith(forwardedFor: string, hops: number, blocked = '203.0.113.7') {
  const { url } = await startApp({ env: { TRUSTED_PROXY_HOPS: String(hops), IP_BLACK_LIST: blocked } })
  return (await fetch(`${url}/v1/models`, { headers: { 'x-forwarded-for': forwardedFor } })).status
}

describe('clientAddress', () => {
  it.each([
    ['203.0.113.7', 0, 200],
    ['203.0.113.7', 1, 403],
    ['203.0.113.7:4711', 1, 403],
    ['::ffff:203.0.113.7', 1, 403],
    ['203.0.113.7, 198.51.100.1', 1, 200],
    ['203.0.113.7, 198.51.100.1', 2, 403],
    ['198.51.100.9, 203.0.113.7, 198.51.100.1', 2, 403],
    ['203.0.113.7, 198.51.100.9, 198.51.100.1', 2, 200],
    ['203.0.113.7', 3, 403],
    ['nonsense', 1, 200],
  ])('G7: %s behind %i trusted proxies gets %i', async (header, hops, status) => {
    expect(await statusWith(header, hops)).toBe(status)
  })

  it('falls back to the peer when a proxy writes no address', async () => {
    expect(await statusWith('nonsense', 1, '127.0.0.1')).toBe(403)
    expect(await statusWith('203.0.113.7', 0, '127.0.0.1')).toBe(403)
  })

  it('FINDINGS S9: says once that it does not believe a proxy', async () => {
    const tell = async (hops: string) => {
      const { url, logs } = await startApp({ env: { TRUSTED_PROXY_HOPS: hops } })
      for (const headers of [{}, { 'x-forwarded-for': '203.0.113.7' }, { 'x-forwarded-for': '203.0.113.8' }])
        await fetch(`${url}/v1/models`, { headers: headers as Record<string, string> })
      return logs.filter(({ msg }) => String(msg).includes('TRUSTED_PROXY_HOPS')).length
    }
    expect([await tell('0'), await tell('1')]).toEqual([1, 0])
  })

  it('G7: 200 forged values count as one client', async () => {
    const { url } = await startApp({ env: { REQUEST_RATE_LIMIT: '5', TRUSTED_PROXY_HOPS: '1' } })
    const statuses = await Promise.all(
      Array.from({ length: 200 }, async (_, index) => {
        const headers = { 'x-forwarded-for': `10.0.0.${index}, 203.0.113.7` }
        return (await fetch(`${url}/v1/models`, { headers })).status
      }),
    )
    expect(statuses.filter((status) => status === 200)).toHaveLength(5)
    expect(statuses.filter((status) => status === 429)).toHaveLength(195)
  })
})

describe('createAddressBlock', () => {
  it.each([
    ['203.0.113.0/24', '203.0.113.200', 403],
    ['203.0.113.0/24', '203.0.114.1', 200],
    ['2001:db8::/32', '[2001:db8::1]:443', 403],
    ['2001:db8::1', '2001:db8:0:0::1', 403],
    ['2001:db8::/32', '203.0.113.7', 200],
    ['198.51.100.1,203.0.113.7', '203.0.113.7', 403],
  ])('%s: %s gets %i', async (blocked, address, status) => {
    expect(await statusWith(address, 1, blocked)).toBe(status)
  })

  it('says why', async () => {
    const { url } = await startApp({ env: { IP_BLACK_LIST: '127.0.0.1' } })
    const response = await fetch(`${url}/v1/models`)
    expect(await response.json()).toMatchObject({ error: { type: 'permission_error', code: 'ip_blocked' } })
  })
})
