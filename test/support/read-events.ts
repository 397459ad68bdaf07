import { createParser } from 'eventsource-parser'

/** One chunk of an OpenAI chat stream as far as tests look at it. */
export interface ChatStreamEvent {
  readonly id?: string
  readonly choices?: readonly {
    readonly delta: { readonly content?: string; readonly reasoning_content?: string }
    readonly finish_reason: string | null
  }[]
  readonly error?: { readonly message: string; readonly code: string; readonly type: string }
}

/** Reads an event stream to its end. `done` says whether the end mark came. */
export async function readEvents(response: Response): Promise<{ events: ChatStreamEvent[]; done: boolean }> {
  const events: ChatStreamEvent[] = []
  let done = false
  const parser = createParser({
    onEvent({ data }) {
      if (data === '[DONE]') done = true
      else events.push(JSON.parse(data) as ChatStreamEvent)
    },
  })
  const decoder = new TextDecoder()
  for await (const bytes of response.body ?? []) parser.feed(decoder.decode(bytes, { stream: true }))
  return { events, done }
}
