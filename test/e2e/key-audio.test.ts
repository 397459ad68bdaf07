import { toFile } from 'openai'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Stack, startStack } from '../support/stack.ts'

let stack: Stack

const start = async (env: Readonly<Record<string, string>>) => {
  stack = await startStack({
    env: { RECAPTCHA_MODE: 'off', TOKEN_REQUIRED: 'false', ...env },
    emulator: { tokenCheck: 'off' },
  })
}
beforeEach(() => start({ GENSPARK_API_KEY: 'gsk-canary-1', GS_COOKIE: '' }))
afterEach(async () => {
  expect(JSON.stringify(stack.logs)).not.toContain('canary')
  await stack.expectNothingLeft()
  await stack.stop()
})

const tools = () => stack.emulator.vendor.asks.map(({ tool, body }) => [tool, body])

describe('audio of a key, by the official SDK', () => {
  it('speaks, in a voice that the model has', async () => {
    const answer = await stack.openai.audio.speech.create({
      model: 'tts-1',
      input: 'Good morning',
      voice: 'aria',
      speed: 1.2,
    })
    expect(
      Buffer.from(await answer.arrayBuffer())
        .subarray(0, 3)
        .toString(),
    ).toBe('ID3')
    expect(answer.headers.get('content-type')).toBe('audio/mpeg')
    expect(answer.headers.get('warning')).toBeNull()
    expect(tools()).toEqual([
      ['get_model_info', { model_names: ['fal-ai/elevenlabs/tts/multilingual-v2'] }],
      [
        'audio_generation',
        {
          prompt: 'Good morning',
          model: 'fal-ai/elevenlabs/tts/multilingual-v2',
          audio_type: 'speech',
          params: { voice_id: 'Aria', speed: 1.2 },
        },
      ],
    ])
  })

  it('tells what the model does not know, and another format than the one asked for', async () => {
    const { headers } = await stack.openai.audio.speech.create({
      model: 'elevenlabs/v4-tts',
      input: 'Good morning',
      voice: 'alloy',
      instructions: 'softly',
      response_format: 'wav',
    })
    expect(headers.get('warning')).toMatch(/voice alloy.*instructions softly.*response_format wav/)
    expect(tools().at(-1)).toMatchObject(['audio_generation', { params: {} }])
  })

  it('transcribes an upload', async () => {
    const file = await toFile(Buffer.from('RIFF\0\0\0\0WAVEfmt '), 'a.wav')
    const { text } = await stack.openai.audio.transcriptions.create({
      model: 'whisper-1',
      file,
      prompt: 'Names',
    })
    expect(text).toBe('canned transcript')
    expect(stack.emulator.uploads[0]).toMatchObject({
      contentType: 'audio/wav',
      bytes: Buffer.from('RIFF\0\0\0\0WAVEfmt '),
    })
    expect(tools()).toEqual([
      [
        'audio_transcribe',
        { audio_urls: [expect.stringMatching(/\/api\/files\/s\/\w/)], model: 'whisper-1', prompt: 'Names' },
      ],
    ])
    const plain = await stack.openai.audio.transcriptions.create({
      model: 'gpt-4o-transcribe',
      file,
      response_format: 'text',
    })
    expect(plain).toBe('canned transcript')
  })

  it.each([
    [
      'a model that there is not',
      { model: 'no-such', input: 'Hi', voice: 'a' },
      404,
      'model_not_found',
      'model',
    ],
    ['no text', { model: 'tts-1', input: '', voice: 'a' }, 400, 'invalid_value', 'input'],
  ])('refuses %s', async (_, body, status, code, param) => {
    const response = await fetch(`${stack.url}/v1/audio/speech`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    expect([response.status, await response.json()]).toMatchObject([status, { error: { code, param } }])
  })

  it('FINDINGS K8 needs a key: 400 where there are cookies alone, not to be asked again', async () => {
    await stack.stop()
    await start({})
    const response = await fetch(`${stack.url}/v1/audio/speech`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'tts-1', input: 'Hi', voice: 'alloy' }),
    })
    expect([response.status, response.headers.get('x-should-retry')]).toEqual([400, 'false'])
    expect(await response.json()).toMatchObject({ error: { code: 'invalid_value', param: 'model' } })
  })
})
