import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Emulator, startEmulator } from '../emulator.ts'
import { agentBody, askAgent, askCopilot, askHeaders, copilotBody, rawRequest } from '../raw-request.ts'
import { readJson } from '../read-events.ts'

let emulator: Emulator
beforeEach(async () => {
  emulator = await startEmulator({ tokenCheck: 'off' })
})
afterEach(() => emulator.close())

const bytes = Buffer.from([0, 1, 2, 253, 254, 255])
const putHeaders = { 'x-ms-blob-type': 'BlockBlob', 'Content-Type': 'application/octet-stream' }

const put = (url: string, headers: Record<string, string> = putHeaders) =>
  rawRequest(url, { method: 'PUT', body: bytes, headers })

const place = async (path = 'get_upload_personal_image_url') =>
  readJson(await rawRequest(`${emulator.url}/api/${path}`, { headers: { ...askHeaders, Accept: '*/*' } }))
    .data

const filePart = (private_storage_url: string, more = {}) => ({
  type: 'private_file',
  private_file: {
    name: 'file',
    type: 'application/pdf',
    size: bytes.length,
    ext: 'pdf',
    private_storage_url,
    ...more,
  },
})

const askWith = (part: object, headers = {}) =>
  askCopilot(emulator.url, { ...copilotBody, messages: [{ role: 'user', content: [part] }] }, headers)

describe('uploads', () => {
  test('gen 1: a file is put as it is and then named in a message', async () => {
    const { upload_image_url, private_storage_url } = await place()
    expect((await put(upload_image_url)).status).toBe(201)
    expect(emulator.uploads[0]).toMatchObject({ sessionId: 'alice', bytes, storageUrl: private_storage_url })
    expect((await askWith(filePart(private_storage_url))).status).toBe(200)
    expect(emulator.violations).toEqual([])
  })

  test('gen 2: likewise, the name and type are announced', async () => {
    const { upload_url, file_wrapper_url } = await place(
      'files/get_upload_url?content_type=application%2Fpdf&name=a.pdf',
    )
    const headers = { ...putHeaders, 'Content-Type': 'application/pdf' }
    expect((await put(upload_url, headers)).status).toBe(201)
    expect(emulator.uploads[0]).toMatchObject({ name: 'a.pdf', contentType: 'application/pdf' })
    const private_file = { name: 'a.pdf', private_storage_url: file_wrapper_url }
    const messages = [{ role: 'user', content: [{ type: 'private_file', private_file }] }]
    expect((await askAgent(emulator.url, { ...agentBody, messages })).status).toBe(200)
    expect(emulator.violations).toEqual([])
  })

  test.each([
    ['another blob type', 400, { ...putHeaders, 'x-ms-blob-type': 'PageBlob' }],
    ['another Content-Type', 400, { ...putHeaders, 'Content-Type': 'application/pdf' }],
    ['no Content-Length', 411, { ...putHeaders, 'Transfer-Encoding': 'chunked' }],
    ['a cookie', 400, { ...putHeaders, Cookie: 'session_id=alice' }],
    ['another Origin', 400, { ...putHeaders, Origin: 'https://example.com' }],
  ])('%s is refused', async (_name, status, headers) => {
    const { upload_image_url } = await place()
    expect((await put(upload_image_url, headers)).status).toBe(status)
    expect(emulator.violations).toHaveLength(1)
    expect(emulator.uploads[0]?.bytes).toBeUndefined()
  })

  test('a place serves once, and only with its signature', async () => {
    const { upload_image_url } = await place()
    expect((await put(upload_image_url.replace('sig=canned', 'sig=x'))).status).toBe(403)
    expect((await put(upload_image_url)).status).toBe(201)
    expect((await put(upload_image_url)).status).toBe(409)
    expect(emulator.violations).toEqual([
      'PUT /blob-upload/*: an unknown place',
      'PUT /blob-upload/*: put for a second time',
    ])
  })

  test('a message names only what its own account has put there, whole', async () => {
    const { upload_image_url, private_storage_url } = await place()
    expect((await askWith(filePart(private_storage_url))).status).toBe(400)
    await put(upload_image_url)
    expect((await askWith(filePart('genspark.ai/else'))).status).toBe(400)
    expect((await askWith(filePart(private_storage_url, { size: 5 }))).status).toBe(400)
    expect((await askWith(filePart(private_storage_url), { Cookie: 'session_id=bob' })).status).toBe(400)
    expect(emulator.violations.map((words) => words.replace(/genspark\.ai\/\S+: /, ''))).toEqual([
      'POST /api/copilot/ask: private_file nothing was put there',
      'POST /api/copilot/ask: private_file no upload of this account',
      'POST /api/copilot/ask: private_file size 5',
      'POST /api/copilot/ask: private_file no upload of this account',
    ])
    expect(emulator.asks).toEqual([])
  })

  test('a signed-out account is given no place', async () => {
    emulator.signOut('alice')
    expect(await place()).toEqual({})
    expect(emulator.uploads).toEqual([])
  })
})
