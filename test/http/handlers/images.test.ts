import OpenAI, { toFile } from 'openai'
import { describe, expect, it } from 'vitest'
import { InvalidRequestError, UnavailableError } from '../../../src/core/errors.ts'
import {
  account,
  answering,
  cookieFile,
  imagePart,
  imageRequest,
  jpeg,
  making,
  png,
  publicFile,
  siteFile,
} from '../support/media.ts'
import { fetchedBy, startApp, untilAborted } from '../support/start-app.ts'

const request = { model: 'dall-e-3', prompt: 'A cat' }

describe('images through the official client', () => {
  it.each(['gpt-image-1', 'gpt-image-1.5', 'chatgpt-image-latest'])(
    'answers the bytes for %s unless told (FINDINGS C4)',
    async (model) => {
      const media = making(cookieFile)
      const openFile = () => Promise.resolve(siteFile(png))
      const resolveMedia = () => ({ ...imageRequest({}).model, id: model })
      const { createCatalogue } = await import('../../../src/models/catalogue.ts')
      const catalogue = { ...createCatalogue(), resolveMedia }
      const client = (await startApp({ ...media, services: { openFile, catalogue } })).openai()
      const { data } = await client.images.generate({ model, prompt: 'A cat' })
      expect(data).toEqual([{ b64_json: png.toString('base64') }])
    },
  )

  it('counts pictures that are answered as bytes in the budget of bodies', async () => {
    const media = making(cookieFile, cookieFile)
    const openFile = () => Promise.resolve(siteFile(Buffer.concat([png, Buffer.alloc(600 * 1024)])))
    const app = await startApp({ ...media, services: { openFile }, env: { BODY_BUDGET_MB: '1' } })
    const body = { ...request, n: 2, response_format: 'b64_json' }
    const response = await app.send('/v1/images/generations', body)
    expect([response.status, await response.json()]).toMatchObject([503, { error: { code: 'overloaded' } }])
    expect((await app.send('/v1/images/generations', request)).status).toBe(200)
  })

  it('generates, and links public files directly', async () => {
    const media = making({ ...publicFile, revisedPrompt: 'A fine cat' })
    const app = await startApp(media)
    const images = await app.openai().images.generate(request)
    expect(images.created).toBeGreaterThan(1_700_000_000)
    expect(images.data).toEqual([{ url: publicFile.url, revised_prompt: 'A fine cat' }])
    expect(media.asked).toEqual([imageRequest({})])
  })

  it('links a file that needs the cookie to a URL of ours, which loads without a key', async () => {
    const opened: unknown[] = []
    const app = await startApp({
      ...making(cookieFile),
      env: { API_SECRET: 'sk-test' },
      services: {
        openFile: async (...given) => {
          opened.push(given.slice(0, 2))
          return siteFile(png, 'image/png')
        },
      },
    })
    const images = await app.openai().images.generate(request)
    const url = images.data?.[0]?.url ?? ''
    expect(url).toMatch(new RegExp(`^${app.url}/files/[\\w-]{32}\\.png$`))
    const response = await fetch(url)
    expect(Buffer.from(await response.arrayBuffer())).toEqual(png)
    expect(opened).toEqual([[account.key, cookieFile.url]])
  })

  it('gives plain base64 when asked for it, of every picture', async () => {
    const app = await startApp({
      ...making(publicFile, cookieFile),
      services: {
        openFile: (_key, url) => Promise.resolve(siteFile(url === publicFile.url ? png : jpeg)),
      },
    })
    const images = await app.openai().images.generate({ ...request, n: 2, response_format: 'b64_json' })
    expect(images.data).toEqual([{ b64_json: png.toString('base64') }, { b64_json: jpeg.toString('base64') }])
  })

  it('passes on how many, which shape and which look', async () => {
    const media = making(publicFile)
    const app = await startApp(media)
    const client = app.openai()
    await client.images.generate({ ...request, n: 10, size: '1792x1024', quality: 'hd', style: 'natural' })
    await client.images.generate({ ...request, size: 'auto', quality: 'auto', user: 'someone' })
    await app.send('/v1/images/generations', { ...request, aspect_ratio: '21:9', style: 'anime', x: {} })
    expect(media.asked).toEqual([
      imageRequest({ count: 10, aspectRatio: '7:4', imageSize: '1k', quality: 'hd' }),
      imageRequest({}),
      imageRequest({ aspectRatio: '21:9', style: 'anime' }),
    ])
  })

  it('makes pictures from pictures: a data URL, base64 and a URL that is fetched', async () => {
    const media = making(publicFile)
    const app = await startApp({
      ...media,
      services: {
        fetchAttachments: fetchedBy((url, { param }) =>
          url === 'https://example.com/cat.jpg' && param === 'image[2]'
            ? Promise.resolve(imagePart(jpeg, 'image/jpeg'))
            : Promise.reject(new Error(`fetched ${url} for ${param}`)),
        ),
      },
    })
    const base64 = png.toString('base64')
    const image = [`data:image/jpeg;base64,${base64}`, base64, 'https://example.com/cat.jpg']
    await app.send('/v1/images/generations', { ...request, image })
    await app.send('/v1/images/generations', { ...request, image: base64 })
    const part = imagePart(png, 'image/png')
    expect(media.asked.map(({ images }) => images)).toEqual([
      [part, part, imagePart(jpeg, 'image/jpeg')],
      [part],
    ])
  })

  it('edits one picture and several, as a form', async () => {
    const media = making(publicFile)
    const client = (await startApp(media)).openai()
    const cat = await toFile(png, 'cat.png', { type: 'image/png' })
    const dog = await toFile(jpeg, 'dog.jpg', { type: 'application/octet-stream' })
    const edited = await client.images.edit({ ...request, image: cat, n: 2, size: '1024x1536' })
    await client.images.edit({ ...request, image: [cat, dog] })
    expect(edited.data).toEqual([{ url: publicFile.url }])
    expect(media.asked).toEqual([
      imageRequest({
        count: 2,
        aspectRatio: '2:3',
        imageSize: '1k',
        images: [imagePart(png, 'image/png')],
      }),
      imageRequest({ images: [imagePart(png, 'image/png'), imagePart(jpeg, 'image/jpeg')] }),
    ])
  })

  it('refuses a mask (FINDINGS C20)', async () => {
    const client = (await startApp(making(publicFile))).openai()
    const cat = await toFile(png, 'cat.png')
    const edit = client.images.edit({ ...request, image: cat, mask: cat })
    await expect(edit).rejects.toMatchObject({ status: 400, param: 'mask' })
  })

  it('edits also by JSON', async () => {
    const media = making(publicFile)
    const app = await startApp(media)
    const images = [{ image_url: `data:image/png;base64,${png.toString('base64')}` }]
    expect((await app.send('/v1/images/edits', { ...request, images })).status).toBe(200)
    expect(media.asked).toEqual([imageRequest({ images: [imagePart(png, 'image/png')] })])
  })

  it('gives what came when one of several failed, and the true cause when all did', async () => {
    const failures = ['The prompt was refused', 'busy']
    const some = await startApp(answering([{ type: 'finished', files: [publicFile], failures }]))
    expect((await some.openai().images.generate(request)).data).toHaveLength(1)
    const none = await startApp(answering([{ type: 'finished', files: [], failures }]))
    await expect(none.openai(2).images.generate(request)).rejects.toMatchObject({
      status: 502,
      code: 'upstream_bad_response',
      error: { message: 'Genspark could not make it: The prompt was refused' },
    })
  })

  it('C1: an unknown model is 404, a failure before the work is what it is', async () => {
    const runMedia = () => Promise.reject(new UnavailableError('no_account_available'))
    const client = (await startApp({ runMedia })).openai()
    for (const model of ['no-such-model', 'sora-2']) {
      const failure = await client.images.generate({ ...request, model }).catch((error) => error)
      expect(failure).toBeInstanceOf(OpenAI.NotFoundError)
      expect(failure).toMatchObject({ code: 'model_not_found', param: 'model' })
    }
    await expect(client.images.generate(request)).rejects.toMatchObject({ status: 503 })
  })

  it('C2: a client that leaves ends the work', async () => {
    const asked = Promise.withResolvers<void>()
    const aborted = Promise.withResolvers<void>()
    const app = await startApp({
      runMedia: (_request, call) => {
        asked.resolve()
        call.signal.addEventListener('abort', () => aborted.resolve())
        return untilAborted(call)
      },
    })
    const controller = new AbortController()
    const images = app.openai().images.generate(request, { signal: controller.signal })
    await asked.promise
    controller.abort()
    await expect(images).rejects.toBeInstanceOf(OpenAI.APIUserAbortError)
    await aborted.promise
  })

  it('refuses base64 of a file over 20 MB, whether or not its size is told', async () => {
    for (const contentLength of [21 * 1024 * 1024, undefined]) {
      let chunks = 0
      async function* body() {
        for (; chunks < 100; chunks += 1) yield Buffer.alloc(1024 * 1024)
      }
      const app = await startApp({
        ...making(publicFile),
        services: { openFile: async () => ({ contentType: 'image/png', contentLength, body: body() }) },
      })
      const images = app.openai().images.generate({ ...request, response_format: 'b64_json' })
      await expect(images).rejects.toMatchObject({ status: 502, message: expect.stringContaining('20 MB') })
      expect(chunks).toBeLessThan(22)
    }
  })
})

describe('G4: abuse of the image routes', () => {
  it.each([
    [{}, 'prompt'],
    [{ prompt: '  ' }, 'prompt'],
    [{ prompt: 7 }, 'prompt'],
    [{ ...request, n: 0 }, 'n'],
    [{ ...request, n: 11 }, 'n'],
    [{ ...request, n: 1.5 }, 'n'],
    [{ ...request, n: 'many' }, 'n'],
    [{ ...request, size: 'huge' }, 'size'],
    [{ ...request, size: { width: 1 } }, 'size'],
    [{ ...request, aspect_ratio: 'wide' }, 'aspect_ratio'],
    [{ ...request, response_format: 'png' }, 'response_format'],
    [{ ...request, stream: true }, 'stream'],
    [{ ...request, image: 'no picture' }, 'image'],
    [{ ...request, image: 'PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciLz4=' }, 'image'],
    [{ ...request, image: [png.toString('base64'), 7] }, 'image'],
    [{ ...request, image: Array(17).fill(png.toString('base64')) }, 'image'],
  ])('refuses %j by its field', async (body, param) => {
    const app = await startApp()
    const response = await app.send('/v1/images/generations', body)
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { code: 'invalid_value', param } })
  })

  it.each([['form'], ['json']])('refuses an edit without a picture: %s', async (kind) => {
    const form = new FormData()
    form.set('prompt', 'A cat')
    const response = await (await startApp()).send('/v1/images/edits', kind === 'form' ? form : request)
    expect(await response.json()).toMatchObject({ error: { code: 'invalid_value', param: 'image' } })
  })

  it('refuses a file of a form that is no picture, whatever its type says', async () => {
    const form = new FormData()
    form.set('prompt', 'A cat')
    form.set('image', new File(['<svg/>'], 'cat.png', { type: 'image/png' }))
    const response = await (await startApp()).send('/v1/images/edits', form)
    expect(await response.json()).toMatchObject({ error: { code: 'invalid_value', param: 'image' } })
  })

  it('refuses a form that is too large', async () => {
    const form = new FormData()
    form.set('image', new File([Buffer.alloc(2 * 1024 * 1024)], 'cat.png'))
    const response = await (await startApp({ env: { MAX_BODY_MB: '1' } })).send('/v1/images/edits', form)
    expect(response.status).toBe(413)
  })

  it('E1: a picture URL that may not be fetched is told by its place', async () => {
    const app = await startApp({
      services: {
        fetchAttachments: fetchedBy((_url, { param }) =>
          Promise.reject(new InvalidRequestError('image_url_not_allowed', { param })),
        ),
      },
    })
    const response = await app.send('/v1/images/generations', { ...request, image: 'http://127.0.0.1/a' })
    expect(await response.json()).toMatchObject({ error: { code: 'image_url_not_allowed', param: 'image' } })
  })
})
