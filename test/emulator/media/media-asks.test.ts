import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Emulator, startEmulator } from '../emulator.ts'
import { normalised } from '../normalise-stream.ts'
import {
  agentImageBody,
  agentVideoBody,
  askAgent,
  askCopilot,
  askHeaders,
  copilotImageBody,
  copilotVideoBody,
  rawRequest,
} from '../raw-request.ts'
import { readEvents } from '../read-events.ts'
import { agentSiteKey, copilotSiteKey } from '../recaptcha/token-ledger.ts'
import type { MediaScenario } from './media-scenario.ts'

let emulator: Emulator
beforeEach(async () => {
  emulator = await startEmulator({ tokenCheck: 'off' })
})
afterEach(() => emulator.close())

const anything = { Accept: '*/*' }
const taskIds = () => [...emulator.tasks.keys()]
const imageAsk = async (scenario: Omit<MediaScenario, 'type'>, body: unknown = agentImageBody) => {
  emulator.answerWith({ type: 'media', ...scenario })
  const reply = await askAgent(emulator.url, body)
  expect(emulator.violations).toEqual([])
  return readEvents(reply)
}

describe('gen 1', () => {
  test('an image ask is answered as in WIRE 4.8, byte for byte', async () => {
    const reply = await askCopilot(emulator.url, copilotImageBody, anything)
    expect(normalised(reply.body.toString())).toBe(
      `data: {"id": "ID1", "type": "project_start"}

data: {"id": "ID2", "role": "assistant", "content": "{\\"generated_images\\": [{\\"task_id\\": \\"ID3\\"}]}", "action": null, "recommend_actions": null, "is_prompt": false, "render_template": null, "session_state": null, "message_type": null, "type": "message_result"}

`,
    )
    expect(emulator.violations).toEqual([])
    expect(emulator.asks[0]).toMatchObject({
      generation: 'copilot',
      kind: 'image',
      model: 'nano-banana-2',
      prompt: 'A red ball',
      wanted: copilotImageBody.extra_data.model_configs,
    })
  })

  test('a video ask begins one task for each config', async () => {
    const [config] = copilotVideoBody.extra_data.model_configs
    const body = { ...copilotVideoBody, extra_data: { model_configs: [config, config], imageModelMap: {} } }
    const [, result] = readEvents(await askCopilot(emulator.url, body, anything))
    expect(emulator.violations).toEqual([])
    expect(JSON.parse(result?.content)).toEqual({
      generated_videos: taskIds().map((task_id) => ({ task_id })),
    })
    expect([...emulator.tasks.values()].map(({ kind }) => kind)).toEqual(['video', 'video'])
  })

  test('image-to-image takes the pictures first', async () => {
    const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }
    const text = { type: 'text', text: 'A red ball' }
    const bodyWith = (content: unknown) => ({ ...copilotImageBody, messages: [{ role: 'user', content }] })
    expect((await askCopilot(emulator.url, bodyWith([image, image, text]), anything)).status).toBe(200)
    expect(emulator.asks[0]?.prompt).toBe('A red ball')
    expect((await askCopilot(emulator.url, bodyWith([text, image]), anything)).status).toBe(400)
    expect(emulator.violations).toHaveLength(1)
  })

  test.each([
    ['another prompt beside the message', { user_s_input: 'Else' }, 'user_s_input'],
    ['no prompt beside the message', { user_s_input: undefined }, 'user_s_input'],
    ['the query string of a chat', { current_query_string: 'type=COPILOT_MOA_CHAT' }, 'query_string'],
    ['no configs', { extra_data: { ...copilotImageBody.extra_data, model_configs: [] } }, 'model_configs'],
  ])('%s is refused', async (_name, change, named) => {
    const reply = await askCopilot(emulator.url, { ...copilotImageBody, ...change }, anything)
    expect([reply.status, emulator.violations[0]]).toEqual([400, expect.stringContaining(named)])
    expect(emulator.asks).toEqual([])
  })

  test.each([
    ['the caller’s name of dall-e', { model: 'dall-e-3' }, 'dalle-3'],
    ['an aspect ratio of gen 2', { aspect_ratio: '21:9' }, 'aspect_ratio'],
    ['an unknown style', { style: 'vivid' }, 'style'],
    ['a field of gen 2', { auto_prompt: true }, 'auto_prompt'],
  ])('%s is refused', async (_name, change, named) => {
    const [config] = copilotImageBody.extra_data.model_configs
    const extra_data = { ...copilotImageBody.extra_data, model_configs: [{ ...config, ...change }] }
    await askCopilot(emulator.url, { ...copilotImageBody, extra_data }, anything)
    expect(emulator.violations).toEqual([expect.stringContaining(named)])
  })

  test('the Accept of a chat is refused', async () => {
    expect((await askCopilot(emulator.url, copilotImageBody)).status).toBe(400)
    expect(emulator.violations).toEqual(['POST /api/copilot/ask: Accept text/event-stream'])
  })

  test('a failure of WIRE 4.11 answers it as it does a chat', async () => {
    emulator.answerWith({ type: 'failure', failure: 'F4' })
    const [, result] = readEvents(await askCopilot(emulator.url, copilotImageBody, anything))
    expect(result.content).toBe('Server overloaded, please try again later.')
    expect(emulator.tasks.size).toBe(0)
  })

  test('without its final event the answer has no task', async () => {
    emulator.answerWith({ type: 'media', withoutFinal: true, keepalives: 1 })
    const events = readEvents(await askCopilot(emulator.url, copilotImageBody, anything))
    expect(events.map(({ type }) => type)).toEqual(['project_start', 'message_field'])
  })
})

describe('gen 2', () => {
  test('the result event is that of WIRE 5.6', async () => {
    const events = await imageAsk({ urls: 'early' })
    const task = emulator.tasks.get(taskIds()[0] ?? '')
    expect(events.find(({ field_name }) => field_name === 'image_generation_agent.results')).toEqual({
      id: [...emulator.projects.keys()][0],
      field_name: 'image_generation_agent.results',
      field_value: [
        {
          task_id: task?.id,
          prompt: 'rewritten: A red ball',
          model: 'gpt-image-2',
          image_size: '1k',
          status: 'SUCCESS',
          image_urls: task?.urls.image_urls,
          image_urls_nowatermark: task?.urls.image_urls_nowatermark,
        },
      ],
      type: 'project_field',
      _event_index: 3,
    })
    expect(task?.urls.image_urls?.[0]).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/api\/files\/s\/[\da-f-]{36}$/)
    expect(events.at(-1)).toMatchObject({ field_name: 'status', field_value: 'FINISHED' })
  })

  test('URLs come never, with the tasks, or in a second event', async () => {
    const urlsOf = async (urls: 'never' | 'early' | 'late') =>
      (await imageAsk({ urls }))
        .filter(({ field_name }) => field_name === 'image_generation_agent.results')
        .map(({ field_value }) => [field_value[0].status, field_value[0].image_urls.length])
    expect(await urlsOf('never')).toEqual([['PENDING', 0]])
    expect(await urlsOf('early')).toEqual([['SUCCESS', 1]])
    expect(await urlsOf('late')).toEqual([
      ['PENDING', 0],
      ['SUCCESS', 1],
    ])
  })

  test('a task is begun for each picture wanted, or as the scenario plans', async () => {
    const model_params = { ...agentImageBody.model_params, generation_count: 3 }
    await imageAsk({}, { ...agentImageBody, model_params })
    expect(emulator.tasks.size).toBe(3)
    await imageAsk({ tasks: [{}, { failure: 'blocked' }] })
    expect(emulator.tasks.size).toBe(5)
    expect(emulator.asks.map(({ wanted }) => wanted.length)).toEqual([3, 1])
  })

  test('an unknown model is served by another without a word', async () => {
    const model_params = { ...agentImageBody.model_params, model: 'never-heard-of' }
    const events = await imageAsk({}, { ...agentImageBody, model_params })
    const results = events.find(({ field_name }) => field_name === 'image_generation_agent.results')
    expect(results.field_value[0].model).toBe('gpt-image-2')
    expect(emulator.asks[0]?.model).toBe('never-heard-of')
  })

  test('the URLs may stand in the content as markdown', async () => {
    const events = await imageAsk({ carrier: 'content' })
    const [url] = emulator.files.keys()
    const result = events.find(({ type }) => type === 'message_result')
    expect(result?.message.content).toBe(`![generated](${url})`)
    expect(JSON.stringify(events)).not.toContain('task_id')
  })

  test.each([
    ['tool-call', 'tool_calls', (id: string) => [expect.objectContaining({ task_id: id })]],
    ['task-object', 'task', (id: string) => expect.objectContaining({ task_id: id, queue_name: 'image' })],
    ['task-ids', 'session_state', (id: string) => ({ task_ids: [id] })],
    ['tasks', 'session_state', (id: string) => ({ tasks: { [id]: { status: 'PENDING' } } })],
  ] as const)('a task may be told of as %s', async (carrier, field, value) => {
    const events = await imageAsk({ carrier })
    const told = events.find(({ field_name }) => field_name === field)
    expect(told?.field_value).toEqual(value(taskIds()[0] ?? ''))
  })

  test('a limit event comes beside a task, without one, or as a warning', async () => {
    const limitOf = async (scenario: Omit<MediaScenario, 'type'>) => {
      const events = await imageAsk(scenario)
      const limit = events.find(({ field_name }) => field_name === 'session_state.session_limit_message')
      return [limit?.field_value, JSON.stringify(events).includes('task_id')]
    }
    const reached =
      'AI Image [5-hour limit](https://www.genspark.ai/pricing) reached. Resets {time:1790595239}'
    expect(await limitOf({ limit: 'reached', resetAt: 1790595239 })).toEqual([reached, true])
    expect(await limitOf({ limit: 'reached', resetAt: 1790595239, tasks: [] })).toEqual([reached, false])
    expect(await limitOf({ limit: 'approaching' })).toEqual(['Approaching 5-hour limit.', true])
    expect(await limitOf({ limit: 'approaching', tasks: [] })).toEqual(['Approaching 5-hour limit.', false])
  })

  test('a video ask is answered likewise', async () => {
    const events = await imageAsk({ urls: 'early' }, agentVideoBody)
    const results = events.find(({ field_name }) => field_name === 'video_generation_agent.results')
    expect(results?.field_value[0]).toMatchObject({ task_id: taskIds()[0], status: 'SUCCESS' })
    expect(results?.field_value[0].video_urls).toHaveLength(1)
    expect(emulator.asks[0]).toMatchObject({ kind: 'video', model: 'kling/v3' })
  })

  test.each([
    ['an unknown size', { image_size: '8k' }, 'image_size'],
    ['a tier with another model', { tier: 'flare' }, 'tier'],
    ['no model', { model: undefined }, 'model'],
    ['a video', { type: 'video' }, 'type'],
  ])('%s is refused', async (_name, change, named) => {
    const model_params = { ...agentImageBody.model_params, ...change }
    expect((await askAgent(emulator.url, { ...agentImageBody, model_params })).status).toBe(400)
    expect(emulator.violations).toEqual([expect.stringContaining(named)])
  })

  test('a duration that is a number and the fields of a chat are refused', async () => {
    const model_params = { ...agentVideoBody.model_params, duration: 5 }
    await askAgent(emulator.url, { ...agentVideoBody, model_params })
    await askAgent(emulator.url, { ...agentImageBody, ai_chat_model: 'gpt-5.5' })
    expect(emulator.violations).toEqual([
      expect.stringContaining('duration'),
      expect.stringContaining('ai_chat_model'),
    ])
  })

  test('a text scenario answers in words, without a task', async () => {
    emulator.answerWith({ type: 'answer', text: 'I cannot draw that.' })
    const reply = await askAgent(emulator.url, agentImageBody)
    expect(reply.body.toString()).toContain('"content": "I cannot draw that."')
    expect(emulator.tasks.size).toBe(0)
  })
})

describe('without a valid token', () => {
  beforeEach(async () => {
    await emulator.close()
    emulator = await startEmulator()
  })

  async function mint(siteKey: string, action: string): Promise<string> {
    const reply = await rawRequest(`${emulator.url}/recaptcha/mint`, {
      body: { siteKey, action },
      headers: { Cookie: askHeaders.Cookie },
    })
    return JSON.parse(reply.body.toString()).token
  }

  test('gen 1 makes nothing', async () => {
    const [, result] = readEvents(await askCopilot(emulator.url, copilotImageBody, anything))
    expect(result?.content).toBe('{"generated_images": []}')
    const g_recaptcha_token = await mint(copilotSiteKey, 'copilot')
    await askCopilot(emulator.url, { ...copilotImageBody, g_recaptcha_token }, anything)
    expect(emulator.tasks.size).toBe(1)
  })

  test('gen 2 has a wall that moves', async () => {
    const limitTime = async () => {
      const text = (await askAgent(emulator.url, agentImageBody)).body.toString()
      expect(text).not.toContain('task_id')
      return Number(/\{time:(\d+)\}/.exec(text)?.[1]) - Date.now() / 1000
    }
    expect(await limitTime()).toSatisfy((seconds: number) => Math.abs(seconds - 5400) < 30)
    const g_recaptcha_token = await mint(agentSiteKey, 'submit')
    await askAgent(emulator.url, { ...agentImageBody, g_recaptcha_token })
    expect(emulator.tasks.size).toBe(1)
    expect(emulator.violations).toEqual([])
  })
})
