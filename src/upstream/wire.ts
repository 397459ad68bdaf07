import type { ChatRequest } from '../core/chat-request.ts'
import type { WireGeneration } from '../core/wire-generation.ts'
import { createAgentDecoder } from './agent/decode-events.ts'
import { encodeAgentRequest } from './agent/encode-request.ts'
import type { DecodeEvent } from './answer.ts'
import { createCopilotDecoder } from './copilot/decode-events.ts'
import { encodeCopilotRequest } from './copilot/encode-request.ts'

/** What tells one generation from the other. */
export interface Wire {
  readonly path: string
  encodeRequest(
    request: ChatRequest,
    ask: { readonly chatId?: string | undefined; readonly token?: string | undefined },
  ): object
  createDecoder(request: ChatRequest): DecodeEvent
}

export const wires: Readonly<Record<WireGeneration, Wire>> = {
  copilot: {
    path: '/api/copilot/ask',
    encodeRequest: encodeCopilotRequest,
    createDecoder: ({ model }) => createCopilotDecoder(model.search),
  },
  agent: {
    path: '/api/agent/ask_proxy',
    encodeRequest: encodeAgentRequest,
    createDecoder: createAgentDecoder,
  },
}
