import { readEvents } from './read-events.ts'

export interface ReplicaAnswer {
  readonly status: number
  /** Of the error, if it is one. */
  readonly code: string | undefined
  readonly text: string
}

export interface StreamedAnswer {
  readonly text: string
  readonly code: string | undefined
  /** Whether the end mark came. */
  readonly done: boolean
}

const secret = 'sk-admin'

/** Settings under which the helpers below have to send a key, as they always do. */
export const clientEnv = { API_SECRET: 'sk-client' }

/** Settings that let the helpers below manage the accounts and read the metrics. */
export const adminEnv = { ADMIN_SECRET: secret }

export interface AskOptions {
  readonly model?: string
  readonly prompt?: string
  readonly signal?: AbortSignal
}

/** Asks for an answer in one piece. */
export async function ask(url: string, options: AskOptions = {}): Promise<ReplicaAnswer> {
  const response = await post(url, false, options)
  const { error, choices } = (await response.json()) as {
    readonly error?: { readonly code: string }
    readonly choices?: readonly { readonly message: { readonly content: string } }[]
  }
  return { status: response.status, code: error?.code, text: choices?.[0]?.message.content ?? '' }
}

/** Resolves when the stream has begun, with its end. A stream that is refused is a failure of the test. */
export async function openStream(
  url: string,
  options: AskOptions = {},
): Promise<{ readonly ended: Promise<StreamedAnswer> }> {
  const response = await post(url, true, options)
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`)
  const ended = readEvents(response).then(({ events, done }) => ({
    text: events.map(({ choices }) => choices?.[0]?.delta.content ?? '').join(''),
    code: events.find(({ error }) => error)?.error?.code,
    done,
  }))
  // Whoever waits for it hears of it; until then it is no unhandled rejection.
  ended.catch(() => {})
  return { ended }
}

export const readMetrics = async (url: string): Promise<string> =>
  (await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${secret}` } })).text()

/** @param path  below /admin/accounts, e.g. `/acc_12345678` */
export async function admin(url: string, method: string, path = '', content?: unknown) {
  const response = await fetch(`${url}/admin/accounts${path}`, {
    method,
    headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
    ...(content !== undefined && { body: JSON.stringify(content) }),
  })
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
  return await response.json()
}

function post(
  url: string,
  stream: boolean,
  { model = 'gpt-5.4', prompt = 'Hello', signal }: AskOptions,
): Promise<Response> {
  return fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${clientEnv.API_SECRET}` },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: prompt }], stream }),
    ...(signal && { signal }),
  })
}
