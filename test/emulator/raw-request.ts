import { type IncomingHttpHeaders, request } from 'node:http'

export interface RawReply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** The body as it came, chunk by chunk. */
  readonly chunks: readonly Buffer[]
  /** Why the body is not whole. */
  readonly error?: Error
}

export interface RawRequest {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Bytes as they are, anything else as JSON. */
  readonly body?: unknown
}

/** One request by plain node:http. @throws when the connection ends before the headers */
export function rawRequest(url: string, { method, headers, body }: RawRequest = {}): Promise<RawReply> {
  return new Promise((resolve, reject) => {
    let answered = false
    const outgoing = request(
      url,
      { method: method ?? (body === undefined ? 'GET' : 'POST'), headers: { ...headers }, agent: false },
      (response) => {
        answered = true
        const chunks: Buffer[] = []
        const finish = (error?: Error) =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks),
            chunks,
            ...(error ? { error } : {}),
          })
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () => finish())
        response.on('error', finish)
      },
    )
    outgoing.on('error', (error) => {
      if (!answered) reject(error)
    })
    outgoing.end(body === undefined || Buffer.isBuffer(body) ? body : JSON.stringify(body))
  })
}

/** Headers of an ask as WIRE 2.2 lists them. */
export const askHeaders = {
  'Content-Type': 'application/json',
  Accept: 'text/event-stream',
  Origin: 'https://www.genspark.ai',
  Cookie: 'session_id=alice',
  'User-Agent':
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
}

/** The example body of WIRE 4.2. */
export const copilotBody = {
  type: 'COPILOT_MOA_CHAT',
  current_query_string: 'type=COPILOT_MOA_CHAT',
  messages: [{ role: 'user', content: 'Hello', is_prompt: false, session_state: null }],
  action_params: {},
  extra_data: {
    models: ['gpt-4o'],
    run_with_another_model: false,
    writingContent: null,
    request_web_knowledge: false,
  },
}

/** The smallest body of WIRE 5.1. */
export const agentBody = {
  ai_chat_model: 'claude-4-5-haiku',
  ai_chat_enable_search: false,
  ai_chat_disable_personalization: false,
  use_moa_proxy: false,
  moa_models: [],
  writingContent: null,
  sas_ask_origin: 'typed',
  type: 'ai_chat',
  is_private: true,
  messages: [{ role: 'user', content: 'Hello' }],
}

export const askCopilot = (site: string, body: unknown = copilotBody, headers = {}): Promise<RawReply> =>
  rawRequest(`${site}/api/copilot/ask`, { body, headers: { ...askHeaders, ...headers } })

export const askAgent = (site: string, body: unknown = agentBody, headers = {}): Promise<RawReply> =>
  rawRequest(`${site}/api/agent/ask_proxy`, { body, headers: { ...askHeaders, ...headers } })

/** An image ask as WIRE 4.3 describes it. */
export const copilotImageBody = {
  type: 'COPILOT_MOA_IMAGE',
  current_query_string: 'type=COPILOT_MOA_IMAGE',
  messages: [{ role: 'user', content: 'A red ball', is_prompt: false, session_state: null }],
  user_s_input: 'A red ball',
  action_params: {},
  extra_data: {
    model_configs: [
      {
        model: 'nano-banana-2',
        aspect_ratio: 'auto',
        use_personalized_models: false,
        fashion_profile_id: null,
        hd: false,
        reflection_enabled: false,
        style: 'auto',
      },
    ],
    llm_model: 'gpt-4o',
    imageModelMap: {},
    writingContent: null,
  },
}

/** A video ask as WIRE 4.4 describes it. */
export const copilotVideoBody = {
  ...copilotImageBody,
  type: 'COPILOT_MOA_VIDEO',
  current_query_string: 'type=COPILOT_MOA_VIDEO',
  extra_data: {
    model_configs: [{ model: 'sora-2', aspect_ratio: '16:9', reflection_enabled: true, duration: 5 }],
    imageModelMap: {},
  },
}

/** The same in gen 2 (WIRE 5.6). */
export const agentImageBody = {
  type: 'image_generation_agent',
  model_params: {
    type: 'image',
    model: 'gpt-image-2',
    aspect_ratio: 'auto',
    auto_prompt: false,
    style: 'auto',
    image_size: 'auto',
    quality: 'auto',
    background_mode: true,
    camera_control: null,
    generation_count: 1,
  },
  messages: [{ role: 'user', content: 'A red ball' }],
  writingContent: null,
  is_private: true,
  project_id: null,
}

/** The body of WIRE 5.7. */
export const agentVideoBody = {
  type: 'video_generation_agent',
  models: ['gpt-4.1'],
  model_params: {
    type: 'video',
    model: 'kling/v3',
    aspect_ratio: '16:9',
    duration: '5',
    video_size: 'auto',
    generation_count: 1,
  },
  messages: [{ role: 'user', content: 'A red ball' }],
}
