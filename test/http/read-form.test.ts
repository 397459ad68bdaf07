import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { making, png, publicFile } from './support/media.ts'
import { startApp } from './support/start-app.ts'

const type = 'multipart/form-data; boundary=XX'

/** Posts a body byte for byte, and tells what the form was read as or why not. */
async function post(body: string | Buffer, headers: Record<string, string> = {}) {
  const media = making(publicFile)
  const app = await startApp(media)
  const response = await fetch(`${app.url}/v1/images/edits`, {
    method: 'POST',
    body: typeof body === 'string' ? body : new Uint8Array(body),
    headers: { 'content-type': type, ...headers },
  })
  const answer = (await response.json()) as { error?: { code: string; message: string } }
  return { status: response.status, asked: media.asked[0], ...answer }
}

const part = (disposition: string, value: string | Buffer) =>
  Buffer.concat([
    Buffer.from(`--XX\r\nContent-Disposition: form-data; ${disposition}\r\n\r\n`),
    Buffer.from(value),
    Buffer.from('\r\n'),
  ])
const form = (...parts: Buffer[]) => Buffer.concat([...parts, Buffer.from('--XX--\r\n')])
const prompt = part('name="prompt"', 'Kätzchen')
const picture = part('name="image"; filename="a.png"', png)

describe('readFormOrJson', () => {
  it('reads a form byte for byte, its text as UTF-8', async () => {
    const { status, asked } = await post(form(prompt, picture))
    expect(status).toBe(200)
    expect(asked).toMatchObject({ prompt: 'Kätzchen', images: [{ base64: png.toString('base64') }] })
  })

  it('reads lists by either spelling and objects', async () => {
    const url = `data:image/png;base64,${png.toString('base64')}`
    const bodies = [
      form(prompt, picture, picture),
      form(prompt, part('name="image[]"; filename="a"', png), part('name="image[]"', url)),
    ]
    for (const body of bodies) expect((await post(body)).asked?.images).toHaveLength(2)
    const one = await post(form(prompt, part('name="image[image_url]"', url)))
    expect(one.asked?.images).toHaveLength(1)
  })

  it('reads a compressed form', async () => {
    const { status } = await post(gzipSync(form(prompt, picture)), { 'content-encoding': 'gzip' })
    expect(status).toBe(200)
  })

  it('takes a name like __proto__ for a name', async () => {
    const { status } = await post(
      form(prompt, picture, part('name="__proto__[n]"', '10'), part('name="constructor"', 'x')),
    )
    expect(status).toBe(200)
  })

  it.each([
    ['no boundary', form(prompt), { 'content-type': 'multipart/form-data' }],
    ['no end', Buffer.concat([prompt, picture]), {}],
    ['an end in the middle of a head', Buffer.from('--XX\r\nContent-Disp'), {}],
    ['nothing', Buffer.alloc(0), {}],
    ['JSON', Buffer.from('{"prompt":"A cat"}'), {}],
    ['too many parts', form(...Array(101).fill(prompt)), {}],
    ['too many files', form(prompt, ...Array(101).fill(picture)), {}],
    ['a field that is too long', form(part('name="prompt"', 'x'.repeat(9 * 1024 * 1024))), {}],
    ['cut compression', gzipSync(form(prompt)).subarray(0, 40), { 'content-encoding': 'gzip' }],
  ])('G4: refuses a form with %s', async (_case, body, headers) => {
    const { status, error } = await post(body, headers)
    expect(status).toBe(400)
    expect(error?.code).toBe('invalid_value')
  })

  it('G4: refuses a compression bomb in a form', async () => {
    const bomb = gzipSync(form(prompt, part('name="image"; filename="a"', Buffer.alloc(64 * 1024 * 1024))))
    expect((await post(bomb, { 'content-encoding': 'gzip' })).status).toBe(413)
  })
})
