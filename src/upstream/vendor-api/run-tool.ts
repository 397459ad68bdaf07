import type { ApiKeyAccount } from '../../core/account.ts'
import type { ImagePart } from '../../core/chat-request.ts'
import { UpstreamError } from '../../core/errors.ts'
import type { MediaRequest } from '../../core/media-request.ts'
import type { Reply } from '../../core/open-reply.ts'
import { parseEvent } from '../decode-parts.ts'
import { nearestAspectRatio } from '../encode-parts.ts'
import { maxTextLength, readText, type SiteAccess } from '../site-calls.ts'
import { keyMediaId, keyMediaTerms, videoFields } from './media-contract.ts'
import type { ToolEnums } from './tool-enums.ts'
import { recogniseCreditWall, recogniseVendorReply } from './vendor-failures.ts'

export interface ToolRun extends ToolRequest {
  readonly account: ApiKeyAccount
  readonly onHeartbeat: () => void
  readonly signal: AbortSignal
}

type Result = Readonly<Record<string, unknown>>

/** Runs a tool to its last line. Lines before it have no `status`; lines that are no JSON, or of a later version, are skipped.
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

  /** What no event is, until one has come. */
  let words = ''
  let isTool = false
  for await (const line of readLines(reply)) {
    const object = parseEvent(line)
    if (!object) {
      if (words.length < maxTextLength) words += `${line}\n`
      continue
    }
    // What a later version of the protocol says is for those who know it.
    if (typeof object.version === 'number' && object.version > 1) continue
    isTool = true
    if (typeof object.status !== 'string') {
      if (object.status !== undefined) throw recognise(line)
      run.onHeartbeat()
    } else if (object.status === 'ok') return object
    else return judged(object, recognise(JSON.stringify({ message: object.message })))
  }
  if (isTool) throw new UpstreamError('reset')
  throw words === '' ? new UpstreamError('empty') : recognise(words)
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

/** The call of the tool that makes one picture or video, by the vendor's published schemas: a ratio becomes the nearest that the
 *  model has, and what has no place there (`quality`, `style`, `auto_prompt`) is not sent. Source: WIRE 11.5, 11.6
 *  @param enums  what the key's own list of tools takes; absent: what is published
 *  @param references  where the pictures are; default: data URLs
 *  @throws {UpstreamError} `malformed`: no key is served the model */
export function encodeToolRequest(
  request: MediaRequest,
  references: readonly string[] = request.images.map(dataUrl),
  enums?: ToolEnums,
): ToolRequest {
  const { kind, prompt, aspectRatio } = request
  const live = enums?.get(`${kind}_generation`)
  const model = keyMediaId(request.model, live?.get('model'))
  if (model === undefined) throw new UpstreamError('malformed', { message: notServed(request.model.id) })
  const terms = keyMediaTerms(kind, model)
  const ratios = allowed(terms.ratios, live?.get('aspect_ratio'))
  const sizes = allowed(terms.sizes, live?.get(kind === 'image' ? 'image_size' : 'video_size'))
  const ratio = nearestAspectRatio(aspectRatio, ratios)
  const common = {
    query: prompt,
    model,
    ...(ratio !== undefined && { aspect_ratio: ratio }),
    ...(references.length > 0 && { image_urls: references }),
  }
  switch (kind) {
    case 'image': {
      const size = sizes.find((known) => known === request.imageSize?.toLowerCase())
      return {
        path: '/api/tool_cli/image_generation',
        body: { ...common, ...(size !== undefined && { image_size: size }) },
      }
    }
    case 'video': {
      const { durationS } = request
      return {
        path: '/api/tool_cli/video_generation',
        body: {
          ...common,
          ...(durationS !== undefined && { duration: durationS }),
          ...videoFields(request, sizes),
        },
      }
    }
    default:
      return request satisfies never
  }
}

/** Of what is published for the model, what the key's own list takes; of a model that nothing is published of, all that it takes. */
function allowed(published: readonly string[], live: readonly string[] | undefined): readonly string[] {
  if (!live) return published
  const known = published.filter((value) => live.includes(value))
  return known.length > 0 ? known : published.length > 0 ? [] : live.filter((value) => value !== 'auto')
}

const notServed = (id: string): string => `Genspark does not serve ${id.slice(0, 100)} to API keys.`

export const dataUrl = ({ mimeType, base64 }: ImagePart): string => `data:${mimeType};base64,${base64}`
