import { onTestFinished } from 'vitest'
import { repeated } from '../emulator/scenario.ts'
import { type Stack, type StackOptions, startStack } from './stack.ts'

export const body = { model: 'gpt-5.4', messages: [{ role: 'user' as const, content: 'Hello' }] }
export const emulated = { tls: true, challenge: 'clients' } as const
export const endless = { chunks: repeated('word ', Number.POSITIVE_INFINITY), chunkDelayMs: 5 }

/** A service whose every chat goes by the page, over TLS with HTTP/2; it ends with the test. */
export async function start({ env, ...options }: StackOptions = {}): Promise<Stack> {
  const stack = await startStack({
    ...options,
    env: { GENSPARK_TRANSPORT: 'browser', TOKEN_PREFETCH: '0', ...env },
    emulator: { ...emulated, ...options.emulator },
  })
  onTestFinished(() => stack.stop())
  return stack
}

export const chat = async ({ openai }: Stack): Promise<string> =>
  (await openai.chat.completions.create(body)).choices[0]?.message.content ?? ''

export function post(url: string, stream: boolean, signal?: AbortSignal): Promise<Response> {
  return fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...body, stream }),
    ...(signal && { signal }),
  })
}
