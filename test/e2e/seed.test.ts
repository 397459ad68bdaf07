// What users of deanxv/genspark2api and its token service had, line by line of their README: features, then settings.

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { toFile } from 'openai'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { samplePng } from '../emulator/media/sample-files.ts'
import { startVerifier } from '../emulator/verifier.ts'
import { readEvents } from '../support/read-events.ts'
import { trustSelfSigned } from '../support/self-signed.ts'
import { type Stack, type StackOptions, startStack } from '../support/stack.ts'

const hello = [{ role: 'user' as const, content: 'Hello there' }]
const noBrowser = {
  env: { RECAPTCHA_MODE: 'off' },
  emulator: { tokenCheck: 'off' },
} as const satisfies StackOptions
const png = samplePng(1)
const pngUrl = `data:image/png;base64,${Buffer.from(png).toString('base64')}`
const pdf = Buffer.from('%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n')

const seedTextModels = [
  ...['gpt-4o', 'o1', 'o3-mini-high', 'claude-3-5-sonnet', 'claude-3-7-sonnet', 'claude-3-7-sonnet-thinking'],
  ...['claude-3-5-haiku', 'gemini-2.0-flash', 'deep-seek-v3', 'deep-seek-r1'],
]
const seedImageModels = [
  ...[
    'flux',
    'flux-speed',
    'flux-pro/ultra',
    'ideogram',
    'ideogram/V_2A',
    'recraft-v3',
    'dall-e-3',
    'imagen3',
  ],
]

describe.each([
  ['copilot', 'this program'],
  ['agent', 'this program'],
  ['copilot', 'the page, which alone is let through'],
  ['agent', 'the page, which alone is let through'],
] as const)('features of the seed over %s, asked by %s', (protocol, program) => {
  const isPage = program !== 'this program'
  let stack: Stack
  beforeAll(async () => {
    if (isPage) trustSelfSigned()
    stack = await startStack({
      env: {
        ...noBrowser.env,
        ...(isPage && { GENSPARK_TRANSPORT: 'browser' }),
        GENSPARK_PROTOCOL: protocol,
        GS_COOKIE: 'session_id=alice,session_id=bob',
        IMAGE_URL_ALLOW_PRIVATE: '1',
        AUTO_MODEL_CHAT_MAP_TYPE: '0',
      },
      emulator: { ...noBrowser.emulator, ...(isPage && { tls: true, challenge: 'clients' }) },
    })
  })
  afterEach(async () => {
    stack.emulator.answerWith(undefined)
    await stack.expectNothingLeft()
  })
  afterAll(() => stack.stop())

  it.each(seedTextModels)('chats with %s, streaming and not', async (model) => {
    stack.emulator.answerWith({ type: 'answer', text: 'Good day' })
    const completion = await stack.openai.chat.completions.create({ model, messages: hello })
    expect(completion.choices[0]?.message.content).toBe('Good day')
    let text = ''
    for await (const chunk of await stack.openai.chat.completions.create({
      model,
      messages: hello,
      stream: true,
    }))
      text += chunk.choices[0]?.delta.content ?? ''
    expect(text).toBe('Good day')
    expect(stack.emulator.asks.at(-1)?.models).toHaveLength(1)
  })

  it('searches the web with any text model whose name ends in -search', async () => {
    const model = 'claude-3-7-sonnet-search'
    const completion = await stack.openai.chat.completions.create({ model, messages: hello })
    expect(completion.choices[0]?.message.content).toContain('you said: Hello there')
    expect(stack.emulator.asks.at(-1)?.search).toBe(true)
  })

  it('asks a model that it does not know as a mixture of agents', async () => {
    await stack.openai.chat.completions.create({ model: 'my-own-idea', messages: hello })
    expect(stack.emulator.asks.at(-1)?.models).toHaveLength(3)
  })

  it('reads pictures by base64 and by URL, several in a message and in any turn', async () => {
    const site = await servePicture()
    try {
      await stack.openai.chat.completions.create({
        model: 'gpt-5.4',
        messages: [
          { role: 'user', content: [text('What is this?'), picture(pngUrl), picture(`${site.url}/a.jpg`)] },
          { role: 'assistant', content: 'Two pictures.' },
          { role: 'user', content: [text('And this?'), picture(pngUrl)] },
        ],
      })
    } finally {
      await site.close()
    }
    const sent = stack.emulator.asks.at(-1)?.messages.map(({ content }) => JSON.stringify(content)) ?? []
    expect(sent[0]?.split(pngUrl).length).toBe(3)
    expect(sent[2]).toContain(pngUrl)
  })

  it('reads a PDF by upload, its bytes unchanged, beside two pictures', async () => {
    await stack.openai.chat.completions.create({
      model: 'gpt-5.4',
      messages: [
        {
          role: 'user',
          content: [
            text('Sum this up'),
            {
              type: 'file',
              file: { filename: 'a.pdf', file_data: `data:application/pdf;base64,${pdf.toString('base64')}` },
            },
            picture(pngUrl),
            picture(pngUrl),
          ],
        },
      ],
    })
    const upload = stack.emulator.uploads.at(-1)
    expect(Buffer.from(upload?.bytes ?? []).equals(pdf)).toBe(true)
    expect(JSON.stringify(stack.emulator.asks.at(-1)?.messages)).toContain('"private_file"')
  })

  it.each(seedImageModels)('makes pictures with %s', async (model) => {
    const images = await stack.openai.images.generate({ model, prompt: 'A quiet harbour', n: 1 })
    const bytes = await load(images.data?.[0]?.url)
    expect(bytes.subarray(1, 4).toString()).toBe('PNG')
  })

  it('makes n pictures as plain base64', async () => {
    const images = await stack.openai.images.generate({
      model: 'dall-e-3',
      prompt: 'A quiet harbour',
      n: 2,
      size: '1792x1024',
      response_format: 'b64_json',
    })
    expect(images.data).toHaveLength(2)
    for (const { b64_json } of images.data ?? [])
      expect(
        Buffer.from(b64_json ?? '', 'base64')
          .subarray(1, 4)
          .toString(),
      ).toBe('PNG')
  })

  it('makes a picture from a picture, by image and by images.edit', async () => {
    const edited = await stack.openai.images.edit({
      model: 'gpt-image-1',
      image: await toFile(Buffer.from(png), 'a.png', { type: 'image/png' }),
      prompt: 'Make it blue',
    })
    expect(edited.data).toHaveLength(1)
    expect(JSON.stringify(stack.emulator.asks.at(-1)?.body)).toContain(pngUrl)

    const response = await post(stack, '/v1/images/generations', {
      model: 'flux',
      prompt: 'Blue',
      image: pngUrl,
    })
    expect(response.status).toBe(200)
    expect(JSON.stringify(stack.emulator.asks.at(-1)?.body)).toContain(pngUrl)
  })

  it('shows pictures in a chat, streaming and not', async () => {
    const body = { model: 'flux', messages: [{ role: 'user' as const, content: 'A quiet harbour' }] }
    const whole = await stack.openai.chat.completions.create(body)
    const url = /!\[.*\]\((\S+)\)/.exec(whole.choices[0]?.message.content ?? '')?.[1]
    expect((await load(url)).subarray(1, 4).toString()).toBe('PNG')
    const { events, done } = await readEvents(
      await post(stack, '/v1/chat/completions', { ...body, stream: true }),
    )
    expect(events.map((event) => event.choices?.[0]?.delta.content ?? '').join('')).toMatch(/!\[.*\]\(\S+\)/)
    expect(done).toBe(true)
  })

  it("makes a video from words and from a picture, in the seed's form", async () => {
    const request = {
      model: 'kling/v2.5-turbo/pro',
      prompt: 'Waves',
      aspect_ratio: '16:9',
      duration: 5,
      auto_prompt: true,
    }
    for (const image of [undefined, pngUrl]) {
      const response = await post(stack, '/v1/videos/generations', { ...request, image })
      expect(response.status).toBe(200)
      const { data } = (await response.json()) as { data: { url: string }[] }
      expect((await load(data[0]?.url)).subarray(4, 8).toString()).toBe('ftyp')
    }
  })

  it('makes a video as a task, as the OpenAI SDK asks for it', async () => {
    const begun = await stack.openai.videos.create({ model: 'sora-2', prompt: 'Waves', seconds: '4' })
    await expect.poll(async () => (await stack.openai.videos.retrieve(begun.id)).status).toBe('completed')
    const file = Buffer.from(await (await stack.openai.videos.downloadContent(begun.id)).arrayBuffer())
    expect(file.subarray(4, 8).toString()).toBe('ftyp')
  })

  it('takes turns among the cookies', async () => {
    const before = stack.emulator.asks.length
    for (let round = 0; round < 12; round += 1)
      await stack.openai.chat.completions.create({ model: 'gpt-5.4', messages: hello })
    expect(new Set(stack.emulator.asks.slice(before).map((ask) => ask.sessionId)).size).toBe(2)
  })
})

describe('settings of the seed', () => {
  let stack: Stack
  afterEach(() => stack.stop())

  const start = async (env: Record<string, string>, emulator = {}) => {
    stack = await startStack({
      env: { ...noBrowser.env, GENSPARK_PROTOCOL: 'copilot', ...env },
      emulator: { ...noBrowser.emulator, ...emulator },
    })
  }
  const chat = (model = 'gpt-5.4') => stack.openai.chat.completions.create({ model, messages: hello })

  it('API_SECRET: any key of the list is good, others are refused', async () => {
    await start({ API_SECRET: 'sk-one, sk-two' })
    await expect(chat()).rejects.toMatchObject({ status: 401, code: 'invalid_api_key' })
    const one = stack.openai.withOptions({ apiKey: 'sk-two' })
    await expect(one.chat.completions.create({ model: 'gpt-5.4', messages: hello })).resolves.toBeDefined()
  })

  it('GS_COOKIE: a bare value, session_id=... and a whole header are all good', async () => {
    await start({
      GS_COOKIE: 'carol,session_id=dave,c1=x; session_id=erin',
      ACCOUNT_SELECTION: 'round-robin',
    })
    for (let round = 0; round < 3; round += 1) await chat()
    expect(stack.emulator.asks.map((ask) => ask.sessionId).sort()).toEqual(['carol', 'dave', 'erin'])
  })

  it('AUTO_DEL_CHAT=1: the chat is deleted after its answer', async () => {
    await start({ AUTO_DEL_CHAT: '1', AUTO_MODEL_CHAT_MAP_TYPE: '0' })
    await chat()
    await expect.poll(() => stack.emulator.projects.size).toBe(0)
  })

  it('AUTO_DEL_CHAT=1 never deletes a bound chat', async () => {
    await start({ AUTO_DEL_CHAT: '1' })
    await chat()
    await chat()
    expect(stack.emulator.asks[1]?.projectId).toBeDefined()
    expect(stack.emulator.projects.size).toBe(1)
  })

  it('REQUEST_RATE_LIMIT: requests over the limit of a minute get 429', async () => {
    await start({ REQUEST_RATE_LIMIT: '2' })
    await chat()
    await chat()
    await expect(chat()).rejects.toMatchObject({ status: 429, code: 'rate_limit_exceeded' })
  })

  it('AUTO_MODEL_CHAT_MAP_TYPE=1: a model goes on in its chat; 0: each request has its own', async () => {
    await start({})
    await chat()
    await chat()
    expect(stack.emulator.asks[1]?.projectId).toBeDefined()
    await stack.stop()
    await start({ AUTO_MODEL_CHAT_MAP_TYPE: '0' })
    await chat()
    await chat()
    expect(stack.emulator.asks[1]?.projectId).toBeUndefined()
  })

  it('MODEL_CHAT_MAP: wins over the automatic chat', async () => {
    await start({})
    await chat()
    const [id] = stack.emulator.projects.keys()
    await stack.stop()
    await start({ MODEL_CHAT_MAP: `gpt-5.4=${id}` })
    stack.emulator.projectRefusal.unknown = 'accept'
    await chat()
    expect(stack.emulator.asks[0]?.projectId).toBe(id)
  })

  it('SESSION_IMAGE_CHAT_MAP: pictures of a session are made in its chat', async () => {
    const id = '5d0c3b4e-6f5a-4a5c-9c93-222222222222'
    await start({ SESSION_IMAGE_CHAT_MAP: `alice=${id}` })
    stack.emulator.projectRefusal.unknown = 'accept'
    await stack.openai.images.generate({ model: 'flux', prompt: 'A quiet harbour' })
    expect(stack.emulator.asks.find((ask) => ask.projectId)?.projectId).toBe(id)
  })

  it('ROUTE_PREFIX: all routes lie under it', async () => {
    await start({ ROUTE_PREFIX: 'hf' })
    const prefixed = stack.openai.withOptions({ baseURL: `${stack.url}/hf/v1` })
    await expect(
      prefixed.chat.completions.create({ model: 'gpt-5.4', messages: hello }),
    ).resolves.toBeDefined()
    await expect(chat()).rejects.toMatchObject({ status: 404 })
  })

  it('RATE_LIMIT_COOKIE_LOCK_DURATION: bounds the rest of a rate limited cookie', async () => {
    await start({ RATE_LIMIT_COOKIE_LOCK_DURATION: '5' })
    stack.emulator.answerWith({ type: 'failure', failure: 'F1' })
    const error = (await chat().catch((thrown: unknown) => thrown)) as { status: number; headers: Headers }
    expect(error.status).toBe(429)
    expect(Number(error.headers.get('retry-after'))).toBeLessThanOrEqual(5)
  })

  it('REASONING_HIDE=1: leaves out what the model thinks', async () => {
    await start({ REASONING_HIDE: '1' })
    stack.emulator.answerWith({ type: 'answer', thinking: ['secret thought'], text: 'Answer' })
    expect(JSON.stringify(await chat('deep-seek-r1'))).not.toContain('secret thought')
  })

  it("REASONING_FORMAT=think-tags: thinks in tags, as the seed's source does", async () => {
    await start({ REASONING_FORMAT: 'think-tags' })
    stack.emulator.answerWith({ type: 'answer', thinking: ['a ', 'thought'], text: 'Answer' })
    expect((await chat('deep-seek-r1')).choices[0]?.message.content).toMatch(
      /^<think>\s*a thought\s*<\/think>\s*Answer$/,
    )
  })

  it('PRE_MESSAGES_JSON: messages in front of every chat', async () => {
    await start({ PRE_MESSAGES_JSON: '[{"role":"system","content":"Be brief."}]' })
    await chat()
    expect(stack.emulator.asks[0]?.messages.map(({ content }) => content)).toEqual([
      'Be brief.',
      'Hello there',
    ])
  })

  it('IP_BLACK_LIST: an address or a network is refused', async () => {
    await start({ IP_BLACK_LIST: '10.0.0.1, 127.0.0.0/8' })
    await expect(chat()).rejects.toMatchObject({ status: 403, code: 'ip_blocked' })
  })

  it('DEBUG=true: logs at debug; YES_CAPTCHA_CLIENT_KEY: only said to be unused', async () => {
    await start({ DEBUG: 'true', YES_CAPTCHA_CLIENT_KEY: 'yes-key' })
    expect(stack.logs.some((line) => String(line.msg).includes('YES_CAPTCHA_CLIENT_KEY'))).toBe(true)
    expect(JSON.stringify(stack.logs)).not.toContain('yes-key')
  })

  it('RECAPTCHA_PROXY_URL: takes tokens from an external verifier', async () => {
    const emulator = await startStack(noBrowser)
    const verifier = await startVerifier(emulator.emulator.recaptcha)
    try {
      await start({ RECAPTCHA_MODE: 'remote', RECAPTCHA_PROXY_URL: verifier.url })
      await chat()
      expect(verifier.cookies).toEqual(['session_id=alice'])
      expect(verifier.violations).toEqual([])
      expect(stack.emulator.asks[0]?.token.given).toBe(true)
    } finally {
      await verifier.close()
      await emulator.stop()
    }
  })
})

const text = (words: string) => ({ type: 'text' as const, text: words })
const picture = (url: string) => ({ type: 'image_url' as const, image_url: { url } })

const post = ({ url }: Stack, path: string, body: unknown) =>
  fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

/** The file behind a link of ours or of the site, as a client without any cookie loads it. */
async function load(url: string | undefined): Promise<Buffer> {
  const response = await fetch(url ?? 'about:blank')
  expect(response.status).toBe(200)
  return Buffer.from(await response.arrayBuffer())
}

async function servePicture() {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'image/jpeg' }).end(png)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise((resolve) => server.close(resolve)),
  }
}
