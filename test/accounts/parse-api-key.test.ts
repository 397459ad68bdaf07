import { describe, expect, it } from 'vitest'
import { parseApiKey, parseApiKeyList } from '../../src/accounts/parse-api-key.ts'

describe('parseApiKey', () => {
  it('reads a key, and one with a proxy of its own', () => {
    expect(parseApiKey(' key@home ', 'api_key')).toMatchObject({ kind: 'api-key', apiKey: 'key@home' })
    expect(parseApiKey('key@socks5://u:p@h:1', 'api_key')).toMatchObject({
      apiKey: 'key',
      proxyUrl: 'socks5://u:p@h:1',
    })
  })

  it.each([
    '',
    '  ',
    'canary key',
    'canary\nx',
    'canary\0',
    'canaryé',
    `canary${'x'.repeat(4096)}`,
    '@http://p:1',
  ])('G8: refuses %j without telling it', (text) => {
    const parse = () => parseApiKey(text, 'api_key')
    expect(parse).toThrow(expect.objectContaining({ code: 'invalid_value', param: 'api_key' }))
    expect(parse).toThrow(expect.not.objectContaining({ message: expect.stringContaining('canary') }))
  })
})

it('a list goes on without the key that cannot be used', () => {
  const { accounts, problems } = parseApiKeyList(['one', 'canary@http://p/path', 'two'])
  expect(accounts.map(({ apiKey }) => apiKey)).toEqual(['one', 'two'])
  expect(problems).toEqual([expect.stringMatching(/^item 2: The proxy must be/)])
})
