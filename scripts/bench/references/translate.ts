// The translation that both references do, with nothing around it: what the service cannot do without either.

import { randomUUID } from 'node:crypto'

interface ChatBody {
  readonly model: string
  readonly stream?: boolean
  readonly messages: readonly unknown[]
}

export interface Translation {
  readonly contentType: string
  readonly upstreamBody: string
  /** What the client gets for these bytes of the site. */
  push(piece: Buffer): string
  end(): string
}

export const askPath = '/api/agent/ask_proxy'

export const askHeaders = {
  'content-type': 'application/json',
  accept: 'text/event-stream',
  origin: 'https://www.genspark.ai',
  cookie: 'session_id=bench',
  'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0',
}

export function translate(body: Buffer): Translation {
  const request = JSON.parse(body.toString()) as ChatBody
  const upstreamBody = JSON.stringify({
    type: 'ai_chat',
    ai_chat_model: request.model,
    ai_chat_enable_search: false,
    ai_chat_disable_personalization: false,
    use_moa_proxy: false,
    moa_models: [],
    writingContent: null,
    sas_ask_origin: 'typed',
    is_private: true,
    project_id: null,
    messages: request.messages,
  })
  const frame = {
    id: `chatcmpl-${randomUUID()}`,
    created: Math.floor(Date.now() / 1000),
    model: request.model,
  }
  const readDeltas = createDeltaReader()

  if (!request.stream) {
    let text = ''
    return {
      contentType: 'application/json',
      upstreamBody,
      push(piece) {
        text += readDeltas(piece).join('')
        return ''
      },
      end: () =>
        JSON.stringify({
          ...frame,
          object: 'chat.completion',
          choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }],
          usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 },
        }),
    }
  }

  const chunk = (delta: object, reason: string | null) =>
    `data: ${JSON.stringify({
      ...frame,
      object: 'chat.completion.chunk',
      choices: [{ index: 0, delta, finish_reason: reason }],
    })}\n\n`
  let begun = false
  return {
    contentType: 'text/event-stream',
    upstreamBody,
    push(piece) {
      let text = ''
      for (const content of readDeltas(piece)) {
        text += chunk(begun ? { content } : { role: 'assistant', content }, null)
        begun = true
      }
      return text
    },
    end: () => `${chunk({}, 'stop')}data: [DONE]\n\n`,
  }
}

function createDeltaReader(): (piece: Buffer) => string[] {
  const decoder = new TextDecoder()
  let rest = ''
  return (piece) => {
    const blocks = (rest + decoder.decode(piece, { stream: true })).split('\n\n')
    rest = blocks.pop() ?? ''
    const deltas: string[] = []
    for (const block of blocks) {
      if (!block.startsWith('data: ')) continue
      const event = JSON.parse(block.slice(6)) as { type: string; field_name?: string; delta?: string }
      if (event.type === 'message_field_delta' && event.field_name === 'content' && event.delta)
        deltas.push(event.delta)
    }
    return deltas
  }
}
