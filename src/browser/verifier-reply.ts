import { tokenUnavailable } from './token-unavailable.ts'

const maxMessageLength = 200

/** The token in the reply of a token service: HTTP 200 and `{"code":200,"token":"…"}`, anything else is a failure.
 *  @param cookie  must not come back in a message
 *  @throws {UnavailableError} `token_unavailable` with what the service said. Source: UPSTREAM 3.5 */
export function parseVerifierReply(status: number, text: string, cookie: string): string {
  const reply = parseObject(text)
  if (status !== 200 || (reply && reply.code !== 200)) {
    const code = status === 200 ? `code ${String(reply?.code).slice(0, 20)}` : `HTTP ${status}`
    throw failed(`answered ${code}${quote(reply?.message, cookie)}`)
  }
  if (!reply) throw failed('answered something that is not JSON: is it a genspark-playwright-proxy?')
  if (typeof reply.token === 'string' && reply.token !== '') return reply.token
  throw failed(`gave an empty token${quote(reply.message, cookie)}`)
}

const failed = (what: string) => tokenUnavailable(`the token service of RECAPTCHA_PROXY_URL ${what}`)

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}

/** What the service says, unless it repeats something of the cookie. */
function quote(message: unknown, cookie: string): string {
  if (typeof message !== 'string' || message.trim() === '') return ''
  const values = cookie.split(';').map((pair) => pair.slice(pair.indexOf('=') + 1).trim())
  if (values.some((value) => value.length >= 4 && message.includes(value))) return ''
  return ` (${message.trim().slice(0, maxMessageLength)})`
}
