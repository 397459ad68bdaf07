import type { IncomingMessage, ServerResponse } from 'node:http'
import { z } from 'zod'
import type { WireGeneration } from '../../src/core/wire-generation.ts'
import { parseAgentAsk } from './agent/ask-body.ts'
import type { AskRecord } from './ask-record.ts'
import { type AskShape, lastPrompt, parseBody, RefusedBody } from './ask-shape.ts'
import { parseCopilotAsk } from './copilot/ask-body.ts'
import { readJsonBody } from './read-body.ts'
import { askAcceptFault, contentTypeFault, ownOrigin, sessionIdOf } from './request-headers.ts'
import type { Site } from './site.ts'
import { checkFiles } from './uploads/uploads.ts'

/** Reads and records an ask, and spends its token.
 *  @returns undefined when it was refused and has been answered, or its client has left */
export async function understandAsk(
  site: Site,
  generation: WireGeneration,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<AskRecord | undefined> {
  const refuse = (status: number, words: string): undefined => {
    site.violations.push(`${request.method} ${request.url}: ${words}`)
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify({ detail: words }))
  }
  const fault = contentTypeFault(request)
  if (fault) return refuse(400, fault)
  try {
    const body = parseBody(jsonObject, await readJsonBody(request))
    const shape = generation === 'copilot' ? parseCopilotAsk(body) : parseAgentAsk(body)
    const acceptFault = askAcceptFault(request, generation, shape.kind)
    if (acceptFault) return refuse(400, acceptFault)
    const ask = record(site, generation, request, body, shape)
    checkFiles(site.uploads.all, ask)
    site.asks.push(ask)
    return ask
  } catch (error) {
    if (!request.complete) return undefined
    if (error instanceof RefusedBody) return refuse(error.status, error.message)
    return refuse(400, `a body that cannot be read: ${error}`)
  }
}

const jsonObject = z.record(z.string(), z.unknown())

function record(
  site: Site,
  generation: WireGeneration,
  request: IncomingMessage,
  body: AskRecord['body'],
  { kind, messages, models, wanted, search, projectId, token }: AskShape,
): AskRecord {
  const { headers, httpVersion } = request
  const cookie = headers.cookie ?? ''
  const sessionId = sessionIdOf(cookie) ?? ''
  return {
    index: site.asks.length,
    generation,
    kind,
    sessionId,
    account: site.sessions.accountOf(sessionId),
    cookie,
    headers,
    origin: ownOrigin(request),
    httpVersion,
    body,
    messages,
    prompt: lastPrompt(messages),
    model: models[0] ?? '',
    models,
    search,
    wanted,
    projectId,
    token: { given: token !== undefined, ...site.recaptcha.redeem(token, { cookie, generation }) },
    startedAt: Date.now(),
    bytesSent: 0,
    ended: undefined,
  }
}
