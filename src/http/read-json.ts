import { InvalidRequestError } from '../core/errors.ts'
import { exceedsDepth } from './exceeds-depth.ts'
import { readBody } from './read-body.ts'
import type { RequestContext } from './request-state.ts'

const maxDepth = 100

/** Reads a JSON body of at most `maxBytes`, compressed or not.
 *  @throws {InvalidRequestError} unsupported_media_type | request_too_large | json_too_deep | invalid_json
 *  @throws `signal.reason` when the client leaves while it sends */
export async function readJson(context: RequestContext, maxBytes: number): Promise<unknown> {
  if (!isJsonType(context.get('content-type'))) throw new InvalidRequestError('unsupported_media_type')
  const bytes = await readBody(context, maxBytes, 'invalid_json')
  if (exceedsDepth(bytes, maxDepth)) {
    throw new InvalidRequestError('json_too_deep', {
      message: `The request body is nested deeper than ${maxDepth} levels.`,
    })
  }
  return parseJson(bytes)
}

/** A type left out is taken for JSON, and `text/plain` too: browsers and small scripts send it. */
function isJsonType(contentType: string): boolean {
  return !contentType || /^(application|text)\/([\w.-]+\+)?json\b|^text\/plain\b/i.test(contentType)
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(utf8.decode(bytes))
  } catch (cause) {
    throw new InvalidRequestError('invalid_json', { message: describeJsonError(cause, bytes), cause })
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** V8 quotes the body in some of its messages: only the position is taken from them. */
function describeJsonError(error: unknown, bytes: Buffer): string {
  if (bytes.length === 0) return 'The request body is empty. Send a JSON object.'
  if (!(error instanceof SyntaxError)) return 'The request body is not valid UTF-8.'
  const position = /at position (\d+)/.exec(error.message)?.[1]
  if (position) return `The request body is not valid JSON (at character ${position}).`
  if (/^Unexpected end/.test(error.message)) return 'The request body is not valid JSON: it ends early.'
  return 'The request body is not valid JSON.'
}
