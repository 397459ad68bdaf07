import { expect, test } from 'vitest'
import { keyMediaId, tellTerms, videoFields } from '../../../src/upstream/vendor-api/media-contract.ts'
import { keyAccount, makeWhole, startVendorEmulator, videoRequest } from './vendor-site.ts'

const model = (id: string) => ({ id, kind: 'video', upstreamIds: { copilot: id, agent: id } }) as const

test.each([
  ['720p', ['720p', '1080p', '4k'], '720p'],
  ['1440p', ['768p', '2K'], '2K'],
  ['2160p', ['720p', '1080p', '4k'], '4k'],
  ['1024p', ['480p', '720p', '1080p'], '1080p'],
  ['2k', ['768p', '2K'], '2K'],
  ['huge', ['720p'], undefined],
  ['720p', [], undefined],
])('FINDINGS K3 the size %s of a video among %j is %s', (videoSize, sizes, size) => {
  expect(videoFields({ videoSize }, sizes)).toEqual(size === undefined ? {} : { video_size: size })
})

test('FINDINGS K3 what is asked for in another way is told', () => {
  const request = videoRequest({ model: model('gemini/omni-flash'), videoSize: '1080p', tier: 'cinema' })
  expect(tellTerms(request)).toEqual([
    'video_size 1080p is not one of gemini/omni-flash: 720p is asked for',
    'tier cinema is not used: there is none',
  ])
  expect(tellTerms(videoRequest({ model: model('wan/v3.0'), videoSize: '1080p', tier: 'fast' }))).toEqual([])
})

test('FINDINGS K3 the ids of the contract are known, the web’s short forms are none', () => {
  for (const id of ['wan/v3.0', 'minimax/h3', 'pixverse/v6', 'bfl/flux-3-preview-high'])
    expect(keyMediaId(model(id))).toBe(id)
  expect(keyMediaId(model('sora-2'))).toBeUndefined()
})

test('FINDINGS K3 pictures for a video are uploaded once, and named to the tool', async () => {
  const { emulator, upstream } = await startVendorEmulator()
  const image = {
    type: 'image',
    mimeType: 'image/png',
    base64: Buffer.from('picture').toString('base64'),
  } as const
  const request = videoRequest({
    model: model('wan/v3.0'),
    images: [image],
    videoSize: '720p',
    tier: 'fast',
    sound: true,
  })
  expect((await makeWhole(upstream, request)).error).toBeUndefined()
  expect(emulator.uploads[0]).toMatchObject({ contentType: 'image/png', bytes: Buffer.from('picture') })
  expect(emulator.vendor.asks[0]?.body).toMatchObject({
    model: 'wan/v3.0',
    video_size: '720p',
    tier: 'fast',
    audio_enable: true,
    image_urls: [expect.stringMatching(/\/api\/files\/s\/[\w-]+$/)],
  })
  expect(emulator.violations).toEqual([])
})

test('FINDINGS K3 the key’s own list of tools counts before what is published', async () => {
  const { emulator, upstream } = await startVendorEmulator()
  emulator.vendor.toolModelsGone.add('wan/v3.0')
  await upstream.keyModels(keyAccount, new AbortController().signal)
  const { error } = await makeWhole(upstream, videoRequest({ model: model('wan/v3.0') }))
  expect(error).toMatchObject({ message: expect.stringContaining('does not serve wan/v3.0') })
  expect((await makeWhole(upstream, videoRequest({ model: model('minimax/h3') }))).error).toBeUndefined()
  expect(emulator.vendor.asks.map((ask) => ask.model)).toEqual(['minimax/h3'])
})
