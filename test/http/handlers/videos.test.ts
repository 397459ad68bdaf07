import OpenAI, { toFile } from 'openai'
import { describe, expect, it } from 'vitest'
import { UpstreamError } from '../../../src/core/errors.ts'
import type { MediaEvent } from '../../../src/core/media-event.ts'
import type { RunMedia } from '../../../src/gateway/media.ts'
import {
  account,
  answering,
  cookieFile,
  imagePart,
  making,
  png,
  siteFile,
  videoRequest,
} from '../support/media.ts'
import { startApp } from '../support/start-app.ts'

const request = { model: 'sora-2', prompt: 'A cat' }
const mp4 = Buffer.from('0000001866747970', 'hex')
const openFile = () => Promise.resolve(siteFile(mp4, 'application/octet-stream'))

async function ended(client: OpenAI, id: string): Promise<OpenAI.Video> {
  for (;;) {
    const video = await client.videos.retrieve(id)
    if (video.status === 'completed' || video.status === 'failed') return video
  }
}

/** Goes on by one event a call of `next`, up to `finished`. */
function stepwise() {
  const waiting: ((event: MediaEvent) => void)[] = []
  const asked = Promise.withResolvers<AbortSignal>()
  async function* events(): AsyncGenerator<MediaEvent> {
    for (let event: MediaEvent | undefined; event?.type !== 'finished'; yield event)
      event = await new Promise<MediaEvent>((resolve) => waiting.push(resolve))
  }
  const accepted = Promise.withResolvers<void>()
  const runMedia: RunMedia = async (_request, { signal }) => {
    asked.resolve(signal)
    await Promise.race([accepted.promise, aborted(signal)])
    return { account, events: events() }
  }
  return {
    runMedia,
    asked: asked.promise,
    accept: accepted.resolve,
    next: (e: MediaEvent) => waiting.shift()?.(e),
  }
}

const aborted = (signal: AbortSignal) =>
  new Promise<never>((_resolve, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
  )

describe('the task form through the official client', () => {
  it('creates, polls and downloads', async () => {
    const media = making(cookieFile)
    const app = await startApp({ ...media, services: { openFile } })
    const client = app.openai()
    const created = await client.videos.create({ ...request, seconds: '8', size: '720x1280' })
    expect(created).toMatchObject({
      object: 'video',
      id: expect.stringMatching(/^video_[\da-f]{32}$/),
      model: 'sora-2',
      status: 'queued',
      progress: 0,
      prompt: 'A cat',
      seconds: '8',
      size: '720x1280',
      completed_at: null,
      error: null,
    })
    expect(created.expires_at).toBe(created.created_at + 24 * 60 * 60)
    const video = await ended(client, created.id)
    expect(video).toMatchObject({ status: 'completed', progress: 100, completed_at: expect.any(Number) })
    const content = await client.videos.downloadContent(created.id)
    expect(content.headers.get('content-type')).toBe('video/mp4')
    expect(Buffer.from(await content.arrayBuffer())).toEqual(mp4)
    expect(media.asked).toEqual([videoRequest({ aspectRatio: '9:16', durationS: 8, videoSize: '720p' })])
  })

  it('tells how far it is', async () => {
    const media = stepwise()
    const client = (await startApp({ runMedia: media.runMedia })).openai()
    const { id } = await client.videos.create(request)
    await media.asked
    expect(await client.videos.retrieve(id)).toMatchObject({
      status: 'queued',
      seconds: 'auto',
      size: 'auto',
    })
    media.accept()
    const until = async (wanted: object) => {
      for (;;) {
        const video = await client.videos.retrieve(id)
        if (Object.entries(wanted).every(([name, value]) => video[name as keyof typeof video] === value))
          return
      }
    }
    await until({ status: 'in_progress', progress: 0 })
    media.next({ type: 'progress', done: 1, tasks: 4 })
    await until({ status: 'in_progress', progress: 25 })
    media.next({ type: 'progress', done: 4, tasks: 4 })
    await until({ status: 'in_progress', progress: 99 })
    await expect(client.videos.downloadContent(id)).rejects.toMatchObject({ status: 404 })
    media.next({ type: 'finished', files: [cookieFile], failures: [] })
    await until({ status: 'completed', progress: 100 })
  })

  it('makes a video from an uploaded picture, and from one in JSON', async () => {
    const media = making(cookieFile)
    const app = await startApp(media)
    const reference = await toFile(png, 'cat.png', { type: 'image/png' })
    await app.openai().videos.create({ ...request, input_reference: reference })
    await app.send('/v1/videos', { ...request, seconds: 4, input_reference: png.toString('base64') })
    expect(media.asked).toEqual([
      videoRequest({ images: [imagePart(png, 'image/png')] }),
      videoRequest({ durationS: 4, images: [imagePart(png, 'image/png')] }),
    ])
  })

  it.each([
    ['before it was begun', () => Promise.reject(new UpstreamError('quota-spent')), 'all_accounts_cooling'],
    [
      'with the cause of the site',
      answering([{ type: 'finished', files: [], failures: ['Refused'] }]).runMedia,
      'upstream_bad_response',
    ],
    ['by a bug', () => Promise.reject(new TypeError('secret detail')), 'internal_error'],
  ])('tells a failure %s', async (_case, runMedia, code) => {
    const client = (await startApp({ runMedia })).openai()
    const video = await ended(client, (await client.videos.create(request)).id)
    expect(video).toMatchObject({ status: 'failed', error: { code, message: expect.any(String) } })
    expect(JSON.stringify(video)).not.toContain('secret detail')
  })

  it('lists and deletes', async () => {
    const app = await startApp(making(cookieFile))
    const client = app.openai()
    const ids: string[] = []
    for (let count = 0; count < 3; count += 1) ids.unshift((await client.videos.create(request)).id)
    const listed: string[] = []
    for await (const video of client.videos.list({ limit: 2 })) listed.push(video.id)
    expect(listed).toEqual(ids)
    expect((await client.videos.list({ order: 'asc' })).data.map(({ id }) => id)).toEqual(ids.toReversed())
    const [first = ''] = ids
    expect(await client.videos.delete(first)).toEqual({ id: first, object: 'video.deleted', deleted: true })
    await expect(client.videos.retrieve(first)).rejects.toBeInstanceOf(OpenAI.NotFoundError)
    await expect(client.videos.delete(first)).rejects.toBeInstanceOf(OpenAI.NotFoundError)
  })

  it('gives a video that is being made up when it is deleted', async () => {
    const media = stepwise()
    const client = (await startApp({ runMedia: media.runMedia })).openai()
    const { id } = await client.videos.create(request)
    const signal = await media.asked
    await client.videos.delete(id)
    expect(signal.aborted).toBe(true)
    expect((await client.videos.list()).data).toEqual([])
  })

  it('shows a video to nobody but the key that began it', async () => {
    const app = await startApp({ ...making(cookieFile), env: { API_SECRET: 'sk-1,sk-2' } })
    const [one, two] = ['sk-1', 'sk-2'].map((apiKey) => new OpenAI({ baseURL: `${app.url}/v1`, apiKey }))
    const { id } = (await one?.videos.create(request)) ?? {}
    await expect(two?.videos.retrieve(id ?? '')).rejects.toBeInstanceOf(OpenAI.NotFoundError)
    await expect(two?.videos.downloadContent(id ?? '')).rejects.toBeInstanceOf(OpenAI.NotFoundError)
    await expect(two?.videos.delete(id ?? '')).rejects.toBeInstanceOf(OpenAI.NotFoundError)
    expect((await two?.videos.list())?.data).toEqual([])
    expect((await one?.videos.list())?.data).toHaveLength(1)
  })

  it('has no thumbnails', async () => {
    const client = (await startApp(making(cookieFile))).openai()
    const { id } = await client.videos.create(request)
    await expect(client.videos.downloadContent(id, { variant: 'thumbnail' })).rejects.toMatchObject({
      status: 400,
      param: 'variant',
    })
  })
})

describe('the form of the seed', () => {
  it('answers when the video is there', async () => {
    const media = making(cookieFile)
    const app = await startApp({ ...media, services: { openFile } })
    const response = await app.send('/v1/videos/generations', {
      ...request,
      aspect_ratio: '9:16',
      duration: 5,
      auto_prompt: true,
      image: `data:image/jpeg;base64,${png.toString('base64')}`,
    })
    const { created, data } = (await response.json()) as { created: number; data: { url: string }[] }
    expect(created).toBeGreaterThan(1_700_000_000)
    const url = data[0]?.url ?? ''
    expect(url).toMatch(/\/files\/[\w-]{32}\.mp4$/)
    expect(Buffer.from(await (await fetch(url)).arrayBuffer())).toEqual(mp4)
    expect(media.asked).toEqual([
      videoRequest({
        aspectRatio: '9:16',
        durationS: 5,
        autoPrompt: true,
        images: [imagePart(png, 'image/png')],
      }),
    ])
  })

  it('tells a failure as an HTTP error', async () => {
    const app = await startApp({ runMedia: () => Promise.reject(new UpstreamError('challenged')) })
    const response = await app.send('/v1/videos/generations', request)
    expect(response.status).toBe(502)
    expect(await response.json()).toMatchObject({ error: { code: 'upstream_challenge' } })
  })
})

describe('G4: abuse of the video routes', () => {
  it.each([
    [{}, 'invalid_value', 'prompt'],
    [{ ...request, model: 'dall-e-3' }, 'model_not_found', 'model'],
    [{ ...request, seconds: 'long' }, 'invalid_value', 'seconds'],
    [{ ...request, duration: -1 }, 'invalid_value', 'duration'],
    [{ ...request, size: 'wide' }, 'invalid_value', 'size'],
    [{ ...request, aspect_ratio: 'high' }, 'invalid_value', 'aspect_ratio'],
    [{ ...request, auto_prompt: 'perhaps' }, 'invalid_value', 'auto_prompt'],
    [{ ...request, input_reference: { file_id: 'file-1' } }, 'invalid_value', 'input_reference'],
  ])('refuses %j', async (body, code, param) => {
    const app = await startApp()
    for (const path of ['/v1/videos', '/v1/videos/generations'])
      expect(await (await app.send(path, body)).json()).toMatchObject({ error: { code, param } })
  })
})
