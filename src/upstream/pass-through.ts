import got, { type PlainResponse, RequestError } from 'got'
import { ServiceError } from '../core/errors.ts'

export interface PassThroughOptions {
  /** With the version, e.g. `https://api.example.com/v1`. The operator chose it: it may be private. */
  readonly baseUrl: string
  readonly apiKey: string | undefined
  /** For one request in all. Default: 60 s. */
  readonly timeoutMs?: number
  /** Of a reply, after decompression: embeddings of a long list have some megabytes. Default: 32 MB. */
  readonly maxReplyBytes?: number
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

export function createPassThrough(options: PassThroughOptions): PassThrough {
  const { baseUrl, apiKey, timeoutMs = 60_000, maxReplyBytes = 32 * 1024 * 1024 } = options
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
      const stream = client.stream.post(baseUrl + path, { body, signal, timeout: { request: timeoutMs } })
      const { promise, resolve, reject } =
        Promise.withResolvers<Pick<PlainResponse, 'statusCode' | 'headers'>>()
      stream.once('response', resolve)
      // Never removed: an error after the headers goes to the reader of the body, and must not be unhandled without one.
      stream.on('error', reject)
      const reply = await promise
      const chunks: Uint8Array[] = []
      let length = 0
      for await (const chunk of stream) {
        length += chunk.length
        // Leaving the loop closes the connection.
        if (length > maxReplyBytes) throw failed(`its reply is over ${maxReplyBytes / 1024 / 1024} MB`)
        chunks.push(chunk)
      }
      const contentType = reply.headers['content-type'] ?? 'application/json'
      // Its 401 is of the operator's key, and would tell a client that its own is wrong.
      if (
        reply.statusCode === 401 ||
        reply.statusCode === 403 ||
        (reply.statusCode >= 300 && reply.statusCode < 400)
      )
        throw failed(`it answered ${reply.statusCode}: check EMBEDDINGS_BASE_URL and EMBEDDINGS_API_KEY`)
      // A page of a proxy in between, which no client of ours can read.
      if (!/^application\/(?:[\w.-]+\+)?json\b/i.test(contentType))
        throw failed(`it answered ${reply.statusCode} with something that is no JSON`)
      return { status: reply.statusCode, contentType, body: Buffer.concat(chunks) }
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
