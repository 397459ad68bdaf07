import type { LookupAddress } from 'node:dns'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createPublicFileFetcher, type PublicFileOptions } from '../../src/upstream/fetch-public-file.ts'
import { pictures } from './pictures.ts'
import { type Site, send, startSite } from './site.ts'

const { signal } = new AbortController()
const param = 'messages[0].content[1]'
const portOf = ({ url }: Site): string => new URL(url).port

let site: Site
beforeEach(async () => {
  site = await startSite((response) => response.end(pictures.png))
})
afterEach(() => site.close())

const fetchImage = (url: string, options: Partial<PublicFileOptions> = {}) =>
  createPublicFileFetcher({ maxBytes: 1024 * 1024, ...options }).fetchImage(url, { param, signal })

describe('kin of CASES E1, E3: other spellings of an inner address get no connection', () => {
  test.each([
    'http://①②⑦.⓪.⓪.①:PORT/',
    'http://127。0。0。1:PORT/',
    'http://%31%32%37.%30.%30.%31:PORT/',
    'http://127.0.0.1\t:PORT/',
    'http://12\n7.0.0.1:PORT/',
    ' http://127.0.0.1:PORT/',
    'http:127.0.0.1:PORT/',
    'http:/127.0.0.1:PORT/',
    'http:\\\\127.0.0.1:PORT\\x',
    'HtTp://127.0.0.1:PORT/',
    'http://8.8.8.8@127.0.0.1:PORT/',
    'http://8.8.8.8:80%40@127.0.0.1:PORT/',
    'http://127.0.0.1:PORT#@8.8.8.8/',
    'http://127.0.0.1:PORT?@8.8.8.8/',
    'http://127.0.0.1:PORT\\@8.8.8.8/',
    'http://0:PORT/',
    'http://0x7f.1:PORT/',
    'http://0x7F000001:PORT/',
    'http://017700000001:PORT/',
    'http://127.0x0.00.0x1:PORT/',
    'http://127.0.1:PORT/',
    'http://LOCALHOST:PORT/',
    'http://localhost.:PORT/',
    'http://metadata.localhost:PORT/',
    'http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ:PORT/',
    'http://loc\u00adalhost:PORT/',
    'http://[::]:PORT/',
    'http://[0:0:0:0:0:0:0:1]:PORT/',
    'http://[::ffff:0:127.0.0.1]:PORT/',
    'http://[::ffff:7f00:1]:PORT/',
    'http://[::7f00:1]:PORT/',
    'http://[64:ff9b::127.0.0.1]:PORT/',
    'http://[2001:0:7f00:1::]:PORT/',
    'http://[100::1]:PORT/',
    'http://[5f00::1]:PORT/',
    'http://100.100.100.200:PORT/latest/meta-data/',
    'http://192.0.0.192:PORT/opc/v1/instance/',
    'http://[fd00:ec2::254]:PORT/latest/meta-data/',
    'http://168.63.129.16:PORT/machine?comp=goalstate',
    'http://[::ffff:168.63.129.16]:PORT/',
    'http://127.0.0.1:99999/',
    'http://[::1%25lo]:PORT/',
    'ftp://127.0.0.1:PORT/x.png',
    'gopher://127.0.0.1:PORT/_x',
    'file:///proc/self/environ',
    'file://127.0.0.1/etc/passwd',
    'unix:/var/run/docker.sock',
    'view-source:http://127.0.0.1:PORT/',
    'blob:http://127.0.0.1:PORT/x',
    'jar:http://127.0.0.1:PORT/!/x',
    '//127.0.0.1:PORT/x.png',
    '/api/files/s/x',
    'javascript:fetch(1)',
  ])('%j', async (form) => {
    const url = form.replace('PORT', portOf(site))
    await expect(fetchImage(url)).rejects.toMatchObject({ code: 'image_url_not_allowed', status: 400, param })
    expect(site.sockets()).toBe(0)
  })

  test('the path of a socket is no host', async () => {
    const url = 'http://unix:/var/run/docker.sock:/containers/json'
    await expect(fetchImage(url)).rejects.toMatchObject({ status: 400, param })
  })
})

/** What stands for the internet in these tests: one address of this machine. */
const asInternet = (resolve: () => Promise<LookupAddress[]>): Partial<PublicFileOptions> => ({
  resolve: async (host) => (host.endsWith('.example') ? resolve() : [{ address: host, family: 4 }]),
  isPublic: (address) => address === '127.0.0.2',
})
const pictureHost = async (): Promise<LookupAddress[]> => [{ address: '127.0.0.2', family: 4 }]

describe('kin of CASES E5: redirects', () => {
  let internet: Site
  beforeEach(async () => {
    internet = await startSite(() => undefined, '127.0.0.2')
  })
  afterEach(() => internet.close())
  const address = () => `http://pictures.example:${portOf(internet)}/a.png`

  test.each([
    'http://127.0.0.1:PORT/',
    'http://user:password@127.0.0.1:PORT/',
    'http://pictures.example@127.0.0.1:PORT/',
    '//127.0.0.1:PORT/',
    '\\\\127.0.0.1:PORT/',
    'http:/127.1:PORT/',
    'HTTP://2130706433:PORT/',
    'http://[::ffff:127.0.0.1]:PORT/',
    'ftp://127.0.0.2/x.png',
    'file:///etc/passwd',
    'data:image/png;base64,iVBORw0KGgo=',
    'http://127.0.0.1:99999/',
  ])('to %j is not followed', async (form) => {
    internet.respond = (response) =>
      response.writeHead(302, { location: form.replace('PORT', portOf(site)) }).end()
    await expect(fetchImage(address(), asInternet(pictureHost))).rejects.toMatchObject({
      code: 'image_fetch_failed',
      status: 400,
      param,
    })
    expect(site.sockets()).toBe(0)
  })

  test.each([301, 303, 307, 308])('by status %i are judged as well', async (status) => {
    internet.respond = (response) => response.writeHead(status, { location: site.url }).end()
    await expect(fetchImage(address(), asInternet(pictureHost))).rejects.toMatchObject({ status: 400 })
    expect(site.sockets()).toBe(0)
  })

  test('by a `refresh` header or in a page are not followed', async () => {
    internet.respond = send(200, `<meta http-equiv="refresh" content="0;url=${site.url}">`, {
      refresh: `0; url=${site.url}`,
      'content-location': site.url,
    })
    await expect(fetchImage(address(), asInternet(pictureHost))).rejects.toMatchObject({ status: 400 })
    expect(site.sockets()).toBe(0)
  })

  test('a name that leads inside by its second look-up is connected to where it was judged', async () => {
    internet.respond = (response) => response.end(pictures.png)
    const answers = [[{ address: '127.0.0.2', family: 4 }], [{ address: '127.0.0.1', family: 4 }]]
    const changing = async () => answers.shift() ?? []
    await fetchImage(address(), asInternet(changing))
    expect(internet.sockets()).toBe(1)
    expect(site.sockets()).toBe(0)
  })

  test('a redirect to the same name is judged anew', async () => {
    const answers = [[{ address: '127.0.0.2', family: 4 }], [{ address: '127.0.0.1', family: 4 }]]
    internet.respond = (response) => response.writeHead(302, { location: '/b.png' }).end()
    const changing = async () => answers.shift() ?? []
    await expect(fetchImage(address(), asInternet(changing))).rejects.toMatchObject({ status: 400 })
    expect(site.sockets()).toBe(0)
  })

  test('user and password of a URL go to no other host, and into no error', async () => {
    const url = `http://user:canary@pictures.example:${portOf(internet)}/a.png`
    internet.respond = (response, { path }) =>
      path === '/a.png'
        ? response.writeHead(302, { location: `http://other.example:${portOf(internet)}/b.png` }).end()
        : response.writeHead(404).end()
    const error: unknown = await fetchImage(url, asInternet(pictureHost)).catch((thrown: unknown) => thrown)
    expect(JSON.stringify([error, String(error)])).not.toContain('canary')
    expect(internet.requests[1]?.headers.authorization).toBeUndefined()
  })

  test('nothing of ours goes along', async () => {
    internet.respond = (response) => response.end(pictures.png)
    await fetchImage(address(), asInternet(pictureHost))
    const { headers = {} } = internet.requests[0] ?? {}
    expect(Object.keys(headers)).not.toContain('cookie')
    expect(Object.keys(headers)).not.toContain('authorization')
    expect(Object.keys(headers)).not.toContain('referer')
  })
})
