import type { ApiKeyAccount } from '../../core/account.ts'
import type { ImagePart } from '../../core/chat-request.ts'
import { UpstreamError } from '../../core/errors.ts'
import type { MediaRequest } from '../../core/media-request.ts'
import type { Reply } from '../../core/open-reply.ts'
import { parseEvent } from '../decode-parts.ts'
import { readText, type SiteAccess } from '../site-calls.ts'
import { recogniseCreditWall, recogniseVendorReply } from './vendor-failures.ts'

export interface ToolRun extends ToolRequest {
  readonly account: ApiKeyAccount
  readonly onHeartbeat: () => void
  readonly signal: AbortSignal
}

type Result = Readonly<Record<string, unknown>>

/** Runs a tool to its last line. Lines before it have no `status`.
 *  @returns that line, which may say that the tool failed
 *  @throws {UpstreamError} for a failure of the service, the key's credits included. Source: WIRE 11 */
export async function runTool(access: SiteAccess, run: ToolRun): Promise<Result> {
  const reply = await access.openReply({
    account: run.account,
    method: 'POST',
    url: new URL(run.path, access.baseUrl),
    headers: access.headers.ask(run.account, 'agent', 'image'),
    body: JSON.stringify(run.body),
    signal: run.signal,
  })
  const recognise = (text: string) =>
    recogniseVendorReply({
      status: reply.status,
      headers: reply.headers,
      text,
      bound: false,
      nowMs: access.clock.now(),
    })
  const wall = recogniseCreditWall(reply.headers, access.clock.now())
  if (wall) {
    reply.close()
    throw wall
  }
  if (reply.status !== 200) throw recognise(await readText(reply))

  let read = ''
  for await (const line of readLines(reply)) {
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

/** Results hold URLs, not files. */
const maxLineLength = 1024 * 1024

/** The lines of a body, without empty ones; the last may lack its line feed. @throws {UpstreamError} `event-too-large` */
async function* readLines(reply: Reply): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  try {
    for (;;) {
      const read = await reply.read()
      if (!read) break
      const lines = (rest + decoder.decode(read, { stream: true })).split('\n')
      rest = lines.pop() ?? ''
      if (rest.length > maxLineLength) throw new UpstreamError('event-too-large')
      yield* lines.filter(isText)
    }
  } finally {
    reply.close()
  }
  rest += decoder.decode()
  if (isText(rest)) yield rest
}

const isText = (line: string): boolean => line.trim() !== ''

export interface ToolRequest {
  readonly path: string
  readonly body: object
}

/** The call of the tool that makes one picture or video. How tools take pictures is not published; they go as data URLs.
 *  Source: WIRE 11, as the vendor's own command line calls them */
export function encodeToolRequest(request: MediaRequest): ToolRequest {
  const { kind, model, prompt, aspectRatio, images } = request
  const common = {
    query: prompt,
    model: model.upstreamIds.agent,
    ...(aspectRatio !== undefined && { aspect_ratio: aspectRatio }),
    ...(images.length > 0 && { image_urls: images.map(dataUrl) }),
  }
  switch (kind) {
    case 'image': {
      const { imageSize, quality, style } = request
      const body = {
        ...common,
        ...(imageSize !== undefined && { image_size: imageSize }),
        ...(quality !== undefined && { quality }),
        ...(style !== undefined && { style }),
      }
      return { path: '/api/tool_cli/image_generation', body }
    }
    case 'video': {
      const { durationS, autoPrompt } = request
      const body = {
        ...common,
        ...(durationS !== undefined && { duration: durationS }),
        auto_prompt: autoPrompt,
      }
      return { path: '/api/tool_cli/video_generation', body }
    }
    default:
      return request satisfies never
  }
}

const dataUrl = ({ mimeType, base64 }: ImagePart): string => `data:${mimeType};base64,${base64}`
