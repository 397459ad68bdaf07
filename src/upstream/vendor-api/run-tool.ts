import type { ApiKeyAccount } from '../../core/account.ts'
import { UpstreamError } from '../../core/errors.ts'
import type { SiteAccess } from '../call-site.ts'
import { parseEvent } from '../parse-event.ts'
import { readText } from '../read-sse.ts'
import type { ToolCall } from './encode-tool.ts'
import { readLines } from './read-lines.ts'
import { recogniseVendorReply } from './recognise-vendor-reply.ts'

export interface ToolRun extends ToolCall {
  readonly account: ApiKeyAccount
  readonly onHeartbeat: () => void
  readonly signal: AbortSignal
}

type Result = Readonly<Record<string, unknown>>

/** Runs a tool to its last line. Lines before it have no `status`.
 *  @returns that line, which may say that the tool failed
 *  @throws {UpstreamError} for a failure of the service, the key's credits included. Source: UPSTREAM 11 */
export async function runTool(access: SiteAccess, run: ToolRun): Promise<Result> {
  const reply = await access.openReply({
    url: new URL(run.path, access.baseUrl),
    method: 'POST',
    headers: access.headers.ask(run.account, 'agent', 'image'),
    body: JSON.stringify(run.body),
    proxyUrl: run.account.proxyUrl,
    signal: run.signal,
  })
  const recognise = (text: string) =>
    recogniseVendorReply({ ...reply, text, bound: false, nowMs: access.clock.now() })
  if (reply.status !== 200) throw recognise(await readText(reply.body))

  let read = ''
  for await (const line of readLines(reply.body)) {
    read ||= line
    const object = parseEvent(line)
    if (!object) throw recognise(line)
    if (typeof object.status !== 'string') {
      if (object.status !== undefined) throw recognise(line)
      run.onHeartbeat()
    } else if (object.status === 'ok') return object
    else return judged(object, recognise(JSON.stringify({ message: object.message })))
  }
  throw new UpstreamError(read === '' ? 'empty' : 'reset')
}

/** A tool that failed says so in a line that is its result; only what the words are known to say of the key is a failure of
 *  the service. */
function judged(object: Result, failure: UpstreamError): Result {
  if (failure.kind === 'malformed') return object
  throw failure
}
