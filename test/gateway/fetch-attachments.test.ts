import { expect, it } from 'vitest'
import type { ContentPart } from '../../src/core/chat-request.ts'
import { createFetchAttachments } from '../../src/gateway/fetch-attachments.ts'

const { signal } = new AbortController()

const url = (name: string): ContentPart => ({
  type: 'image-url',
  url: `http://pictures/${name}`,
  param: name,
})
const image = (base64: string) => ({ type: 'image' as const, mimeType: 'image/png', base64 })
const resolver = (maxBodyBytes = 100) =>
  createFetchAttachments({
    maxBodyBytes,
    fetchImage: async (address) => image(Buffer.from(address.slice(-4)).toString('base64')),
  })

it('puts each fetched picture where its URL stood, and leaves the rest as it is', async () => {
  const text: ContentPart = { type: 'text', text: 'Look' }
  const parts = await resolver()([text, url('a001'), text, url('b002'), text], { signal })
  expect(parts).toEqual([text, image('YTAwMQ=='), text, image('YjAwMg=='), text])
})

it('hands parts without URLs through untouched', async () => {
  const parts: ContentPart[] = [{ type: 'text', text: 'Hello' }]
  expect(await resolver()(parts, { signal })).toBe(parts)
})

it('refuses more URLs than it fetches, and names the first that is too many', async () => {
  const many = Array.from({ length: 33 }, (_, index) => url(`${1000 + index}`))
  await expect(resolver(1000)(many, { signal })).rejects.toMatchObject({
    code: 'invalid_value',
    param: '1032',
  })
})

it('leaves the other pictures when one cannot be had', async () => {
  const asked: string[] = []
  const gate = Promise.withResolvers<void>()
  const resolve = createFetchAttachments({
    maxBodyBytes: 100,
    fetchImage: async (_url, { param, signal: cut }) => {
      cut.throwIfAborted()
      asked.push(param)
      if (param === '1000') throw new Error('gone')
      await gate.promise
      return image('')
    },
  })
  const many = Array.from({ length: 9 }, (_, index) => url(`${1000 + index}`))
  await expect(resolve(many, { signal })).rejects.toThrow('gone')
  gate.resolve()
  await new Promise(setImmediate)
  expect(asked).toEqual(['1000', '1001', '1002', '1003'])
})

it('refuses pictures that are too large together', async () => {
  await expect(resolver(7)([url('a001'), url('b002')], { signal })).rejects.toMatchObject({
    code: 'invalid_value',
    param: 'b002',
  })
})
