import { onTestFinished } from 'vitest'
import { createApiKeyAccount } from '../../../src/core/account.ts'
import type { MediaEvent } from '../../../src/core/media-event.ts'
import type { ImageRequest, MediaRequest, VideoRequest } from '../../../src/core/media-request.ts'
import type { UpstreamOptions } from '../../../src/upstream/client.ts'
import type { Upstream } from '../../../src/upstream/upstream.ts'
import { startEmulator } from '../../emulator/emulator.ts'
import { startSite } from '../site.ts'
import { createTestUpstream } from '../support.ts'

export const keyAccount = createApiKeyAccount('gsk-canary-1')

/** The emulator, and a client of it; both are closed when the test ends. */
export async function startVendorEmulator(options: Partial<UpstreamOptions> = {}) {
  const emulator = await startEmulator({ tokenCheck: 'off' })
  const upstream = createTestUpstream(emulator.url, options)
  onTestFinished(async () => {
    await upstream.close()
    await emulator.close()
  })
  return { emulator, upstream }
}

/** A site that answers as it is told, and a client of it; both are closed when the test ends. */
export async function startVendorSite(...given: Parameters<typeof startSite>) {
  const site = await startSite(...given)
  const upstream = createTestUpstream(site.url)
  onTestFinished(async () => {
    await upstream.close()
    await site.close()
  })
  return { site, upstream }
}

export const imageRequest = (fields: Partial<ImageRequest> = {}): ImageRequest => ({
  kind: 'image',
  model: {
    id: 'nano-banana-2',
    kind: 'image',
    upstreamIds: { copilot: 'nano-banana-2', agent: 'nano-banana-2' },
  },
  prompt: 'a red fox',
  count: 1,
  aspectRatio: '16:9',
  imageSize: undefined,
  quality: undefined,
  style: undefined,
  images: [],
  ...fields,
})

export const videoRequest = (fields: Partial<VideoRequest> = {}): VideoRequest => ({
  kind: 'video',
  model: { id: 'kling/v3', kind: 'video', upstreamIds: { copilot: 'kling/v2', agent: 'kling/v3' } },
  prompt: 'a fox runs',
  aspectRatio: '9:16',
  durationS: 5,
  autoPrompt: false,
  images: [],
  ...fields,
})

/** What a media ask brings to its end, whatever that is. */
export async function makeWhole(
  upstream: Upstream,
  request: MediaRequest,
  signal = new AbortController().signal,
): Promise<{ events: MediaEvent[]; error: unknown }> {
  const events: MediaEvent[] = []
  try {
    const asked = upstream.askMedia({ generation: 'agent', account: keyAccount, request, signal })
    for await (const event of asked) events.push(event)
    return { events, error: undefined }
  } catch (error) {
    return { events, error }
  }
}
