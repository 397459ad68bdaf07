import { connect, type Settings } from 'node:http2'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { selfSigned } from '../../support/self-signed.ts'
import { type Listener, listenTls } from '../listen.ts'
import { findBrowserFault } from './whole-browser.ts'

// No client of ours has a browser's handshake: it is given one, to see what else it does otherwise over HTTP/2.
const browserHello = { ciphers: [0x1a1a, 0x1301], extensions: [0x2a2a, 27], alpn: ['h2', 'http/1.1'] }

let listener: Listener
beforeEach(async () => {
  listener = await listenTls(0, {}, (request, response) => {
    response.end(findBrowserFault(request, browserHello) ?? 'a browser')
  })
})
afterEach(() => listener.close())

const browserSettings = {
  headerTableSize: 65_536,
  enablePush: false,
  initialWindowSize: 6_291_456,
  maxHeaderListSize: 262_144,
}

const navigation = {
  'sec-ch-ua': '"Not;A=Brand";v="8", "Chromium";v="150"',
  'sec-ch-ua-mobile': '?0',
  'sec-ch-ua-platform': '"Linux"',
  'upgrade-insecure-requests': '1',
  'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) Chrome/150.0.0.0 Safari/537.36',
  accept: 'text/html,*/*;q=0.8',
  'sec-fetch-site': 'none',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-user': '?1',
  'sec-fetch-dest': 'document',
  'accept-encoding': 'gzip, deflate, br, zstd',
  'accept-language': 'en-US,en;q=0.9',
}

async function judge(headers: Record<string, string>, settings: Settings = browserSettings): Promise<string> {
  const session = connect(`https://localhost:${listener.port}`, { ca: selfSigned.cert, settings })
  const authority = `localhost:${listener.port}`
  const pseudo = { ':method': 'GET', ':authority': authority, ':scheme': 'https', ':path': '/' }
  const order = ':path' in headers ? { ...headers, ...pseudo } : { ...pseudo, ...headers }
  const text = (await session.request(order).toArray()).join('')
  session.destroy()
  return text
}

const without = (name: string): Record<string, string> =>
  Object.fromEntries(Object.entries(navigation).filter(([known]) => known !== name))

const { accept, ...late } = navigation

test.each<[string, Record<string, string>, Settings?]>([
  ['a browser', navigation],
  ['other HTTP/2 settings', navigation, {}],
  ['other HTTP/2 settings', navigation, { ...browserSettings, initialWindowSize: 65_535 }],
  ['pseudo-headers :path,:method,:authority,:scheme', { ':path': '/', ...navigation }],
  ['no sec-fetch-site', without('sec-fetch-site')],
  ['no accept-language', without('accept-language')],
  ['accept in another place', { ...late, accept }],
  ['half a navigation', without('upgrade-insecure-requests')],
  ['a navigation of a frame', { ...navigation, 'sec-fetch-dest': 'iframe' }],
  [
    'neither a fetch nor a navigation',
    { ...navigation, 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'no-cors' },
  ],
  ['a fetch of another origin', { ...navigation, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' }],
])('%s (WIRE 2.6)', async (words, headers, settings) => {
  expect(await judge(headers, settings)).toBe(words)
})
