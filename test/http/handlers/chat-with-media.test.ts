import { describe, expect, it } from 'vitest'
import type { MediaEvent } from '../../../src/core/media-event.ts'
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
  videoRequest,
} from '../support/media.ts'
import { fetchedBy, startApp } from '../support/start-app.ts'

const messages = [{ role: 'user' as const, content: 'A cat' }]
const request = { model: 'dall-e-3', messages }
const pngUrl = `data:image/png;base64,${png.toString('base64')}`

describe('image and video models in a chat', () => {
  it('answers with pictures in markdown', async () => {
    const media = making(publicFile, { url: 'https://cdn.example.com/b (1).png', needsCookie: false })
    const app = await startApp(media)
    const completion = await app.openai().chat.completions.create(request)
    expect(completion.choices[0]).toMatchObject({
      message: {
        role: 'assistant',
        content:
          '![image](https://cdn.example.com/a.png)\n\n![image](https://cdn.example.com/b%20%281%29.png)',
      },
      finish_reason: 'stop',
    })
    expect(completion.usage?.completion_tokens).toBeGreaterThan(0)
    expect(media.asked).toEqual([imageRequest({})])
  })

  it('asks for the words and pictures of the last user message', async () => {
    const media = making(publicFile)
    const app = await startApp({
      ...media,
      services: { fetchAttachments: fetchedBy(() => Promise.resolve(imagePart(jpeg, 'image/jpeg'))) },
    })
    await app.openai().chat.completions.create({
      model: 'dall-e-3',
      messages: [
        { role: 'system', content: 'You are a painter' },
        { role: 'user', content: 'A dog' },
        { role: 'assistant', content: '![image](https://cdn.example.com/dog.png)' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'A cat' },
            { type: 'image_url', image_url: { url: pngUrl } },
            { type: 'image_url', image_url: { url: 'https://example.com/cat.jpg' } },
          ],
        },
      ],
    })
    const images = [imagePart(png, 'image/png'), imagePart(jpeg, 'image/jpeg')]
    expect(media.asked).toEqual([imageRequest({ images })])
  })

  it('answers with a link to a video that ends in .mp4, whatever needs the cookie', async () => {
    const media = making(cookieFile)
    const app = await startApp(media)
    const completion = await app.openai().chat.completions.create({ model: 'sora-2', messages })
    expect(completion.choices[0]?.message.content).toMatch(
      new RegExp(`^\\[video\\]\\(${app.url}/files/[\\w-]{32}\\.mp4\\)$`),
    )
    expect(completion.choices[0]?.message.content).not.toContain(account.cookie)
    expect(media.asked).toEqual([videoRequest({ autoPrompt: true })])
  })

  it('streams progress as comments, then role, content and finish', async () => {
    const app = await startApp(making(publicFile))
    const response = await app.post({ ...request, stream: true })
    const lines = (await response.text()).split('\n\n').filter(Boolean)
    expect(lines.slice(0, 2)).toEqual([': progress 0/2', ': progress 1/2'])
    expect(lines.at(-1)).toBe('data: [DONE]')
    const choices = lines.slice(2, -1).map((line) => JSON.parse(line.slice(6)).choices[0])
    expect(choices.map(({ delta, finish_reason }) => [delta, finish_reason])).toEqual([
      [{ role: 'assistant', content: '' }, null],
      [{ content: '![image](https://cdn.example.com/a.png)' }, null],
      [{}, 'stop'],
    ])
  })

  it('streams to the official client', async () => {
    const app = await startApp(making(publicFile))
    const stream = app.openai().chat.completions.stream(request)
    const completion = await stream.finalChatCompletion()
    expect(completion.choices[0]?.message.content).toBe('![image](https://cdn.example.com/a.png)')
  })

  it('sends headers and progress while the picture is made', async () => {
    const goOn = Promise.withResolvers<void>()
    async function* events(): AsyncGenerator<MediaEvent> {
      yield { type: 'accepted', tasks: 1 }
      await goOn.promise
      yield { type: 'finished', files: [publicFile], failures: [] }
    }
    const app = await startApp({ runMedia: async () => ({ account, events: events() }) })
    const response = await app.post({ ...request, stream: true })
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    expect((await reader?.read())?.value).toBe(': progress 0/1\n\n')
    goOn.resolve()
    expect((await reader?.read())?.value).toContain('"role":"assistant"')
    await reader?.cancel()
  })

  it.each([[false], [true]])('tells the true cause when nothing was made, streamed: %s', async (stream) => {
    const app = await startApp(answering([{ type: 'finished', files: [], failures: ['Refused'] }]))
    await expect(app.openai(2).chat.completions.create({ ...request, stream })).rejects.toMatchObject({
      status: 502,
      code: 'upstream_bad_response',
      message: expect.stringContaining('Refused'),
    })
  })

  it('makes as many as n says, each as a choice', async () => {
    const media = making(publicFile)
    const app = await startApp(media)
    const completion = await app.openai().chat.completions.create({ ...request, n: 2 })
    expect(completion.choices.map(({ message }) => message.content)).toEqual([
      '![image](https://cdn.example.com/a.png)',
      '![image](https://cdn.example.com/a.png)',
    ])
    expect(media.asked).toHaveLength(2)
  })

  it('asks for the words of the user, not for the result of a tool', async () => {
    const media = making(publicFile)
    const app = await startApp(media)
    await app.openai().chat.completions.create({
      model: 'dall-e-3',
      messages: [
        ...messages,
        {
          role: 'assistant',
          tool_calls: [{ id: 'c1', type: 'function', function: { name: 'look', arguments: '{}' } }],
        },
        { role: 'tool', tool_call_id: 'c1', content: 'A dog' },
      ],
    })
    expect(media.asked).toEqual([imageRequest({})])
  })

  it('wants words', async () => {
    const app = await startApp(making(publicFile))
    const body = {
      ...request,
      messages: [{ role: 'user', content: [{ type: 'image_url', image_url: pngUrl }] }],
    }
    expect(await (await app.post(body)).json()).toMatchObject({
      error: { code: 'invalid_value', param: 'messages' },
    })
  })
})
