import type { ChatPrompt } from '../core/chat-request.ts'
import type { MediaRequest } from '../core/media-request.ts'
import type { WireGeneration } from '../core/wire-generation.ts'
import { createAgentDecoder } from './agent/decode-events.ts'
import { encodeAgentMediaRequest } from './agent/encode-media-request.ts'
import { encodeAgentRequest } from './agent/encode-request.ts'
import type { DecodeEvent } from './answer.ts'
import { createCopilotDecoder } from './copilot/decode-events.ts'
import { encodeCopilotMediaRequest } from './copilot/encode-media-request.ts'
import { encodeCopilotRequest } from './copilot/encode-request.ts'
import type { EncodeOptions } from './encode-options.ts'

/** What tells one generation from the other. */
export interface Wire {
  readonly path: string
  encodeRequest(request: ChatPrompt, options: EncodeOptions): object
  encodeMediaRequest(request: MediaRequest, options: EncodeOptions): object
  /** @param search  a search answer was asked for */
  createDecoder(search: boolean): DecodeEvent
}

export const wires: Readonly<Record<WireGeneration, Wire>> = {
  copilot: {
    path: '/api/copilot/ask',
    encodeRequest: encodeCopilotRequest,
    encodeMediaRequest: encodeCopilotMediaRequest,
    createDecoder: createCopilotDecoder,
  },
  agent: {
    path: '/api/agent/ask_proxy',
    encodeRequest: encodeAgentRequest,
    encodeMediaRequest: encodeAgentMediaRequest,
    createDecoder: createAgentDecoder,
  },
}
