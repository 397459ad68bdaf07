import type { ChatModel } from '../../../src/core/chat-request.ts'
import { parseRequest as parseMessages } from '../../../src/dialects/anthropic-messages/parse-request.ts'
import { parseRequest as parseChat } from '../../../src/dialects/openai-chat/parse-request.ts'
import { parseRequest as parseResponses } from '../../../src/dialects/openai-responses/parse-request.ts'

export const resolve = (id: string): ChatModel => ({
  id,
  upstreamIds: { copilot: [id], agent: [id] },
  mixture: false,
  search: false,
})
const readKept = () => Promise.resolve(undefined)
const fields = { model: 'm', max_tokens: 9 }
/** How each dialect of messages reads a body. */
export const dialects = {
  chat: (body: object) => parseChat({ ...fields, ...body }, resolve),
  messages: (body: object) => parseMessages({ ...fields, ...body }, resolve),
  responses: (body: object) => parseResponses({ ...fields, ...body }, { id: 'resp_x', resolve, readKept }),
}
