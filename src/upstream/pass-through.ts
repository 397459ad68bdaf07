import got, { RequestError } from 'got'
import { ServiceError } from '../core/errors.ts'

export interface PassThroughOptions {
  /** With the version, e.g. `https://api.example.com/v1`. The operator chose it: it may be private. */
  readonly baseUrl: string
  readonly apiKey: string | undefined
  /** For one request in all. Default: 60 s. */
  readonly timeoutMs?: number
}

export interface PassedReply {
  readonly status: number
  readonly contentType: string
  readonly body: Buffer
}

/** Hands a request on as it came, with the operator's key, and the reply back as it comes.
 *  @param path  e.g. `/embeddings`
 *  @throws {ServiceError} `pass_through_failed` @throws `signal.reason` on abort */
export type PassThrough = (path: string, body: Buffer, signal: AbortSignal) => Promise<PassedReply>

export function createPassThrough({ baseUrl, apiKey, timeoutMs = 60_000 }: PassThroughOptions): PassThrough {
  const client = got.extend({
    retry: { limit: 0 },
    throwHttpErrors: false,
    followRedirect: false,
    headers: {
      'user-agent': 'genspark2api/1.0',
      'content-type': 'application/json',
      accept: 'application/json',
      ...(apiKey && { authorization: `Bearer ${apiKey}` }),
    },
  })
  return async (path, body, signal) => {
    signal.throwIfAborted()
    try {
      const reply = await client.post(baseUrl + path, {
        body,
        signal,
        timeout: { request: timeoutMs },
        responseType: 'buffer',
      })
      const contentType = reply.headers['content-type'] ?? 'application/json'
      // Its 401 is of the operator's key, and would tell a client that its own is wrong.
      if (
        reply.statusCode === 401 ||
        reply.statusCode === 403 ||
        (reply.statusCode >= 300 && reply.statusCode < 400)
      )
        throw failed(`it answered ${reply.statusCode}: check EMBEDDINGS_BASE_URL and EMBEDDINGS_API_KEY`)
      return { status: reply.statusCode, contentType, body: Buffer.from(reply.body) }
    } catch (error) {
      if (signal.aborted) throw signal.reason
      if (error instanceof RequestError) throw failed(`it cannot be reached (${error.code})`, error)
      throw error
    }
  }
}

const failed = (why: string, cause?: unknown): ServiceError =>
  new ServiceError('pass_through_failed', {
    message: `The service at EMBEDDINGS_BASE_URL did not answer the request: ${why}.`,
    cause,
  })
