import { expect, it } from 'vitest'
import type { ChatRequest, ContentPart } from '../../src/core/chat-request.ts'
import { createResolveAttachments } from '../../src/gateway/resolve-attachments.ts'

const model = { id: 'm', upstreamIds: { copilot: ['m'], agent: ['m'] }, mixture: false, search: false }
const { signal } = new AbortController()

const requestOf = (...turns: ContentPart[][]): ChatRequest => ({
  model,
  messages: turns.map((parts) => ({ role: 'user', parts })),
})
const url = (name: string): ContentPart => ({
  type: 'image-url',
  url: `http://pictures/${name}`,
  param: name,
})
const image = (base64: string) => ({ type: 'image' as const, mimeType: 'image/png', base64 })
const resolver = (maxBodyBytes = 100) =>
  createResolveAttachments({
    maxBodyBytes,
    fetchImage: async (address) => image(Buffer.from(address.slice(-4)).toString('base64')),
  })

it('puts each fetched picture where its URL stood, and leaves the rest as it is', async () => {
  const text: ContentPart = { type: 'text', text: 'Look' }
  const resolved = await resolver()(requestOf([text, url('a001')], [text], [url('b002'), text]), signal)
  expect(resolved.messages.map(({ parts }) => parts)).toEqual([
    [text, image('YTAwMQ==')],
    [text],
    [image('YjAwMg=='), text],
  ])
})

it('hands a request without URLs through untouched', async () => {
  const request = requestOf([{ type: 'text', text: 'Hello' }])
  expect(await resolver()(request, signal)).toBe(request)
})

it('refuses more URLs than it fetches, and names the first that is too many', async () => {
  const many = Array.from({ length: 33 }, (_, index) => url(`${1000 + index}`))
  await expect(resolver(1000)(requestOf(many), signal)).rejects.toMatchObject({
    code: 'invalid_value',
    param: '1032',
  })
})

it('refuses pictures that are too large together', async () => {
  await expect(resolver(7)(requestOf([url('a001'), url('b002')]), signal)).rejects.toMatchObject({
    code: 'invalid_value',
    param: 'b002',
  })
})
