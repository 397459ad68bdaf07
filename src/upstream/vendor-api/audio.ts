import type { ApiKeyAccount } from '../../core/account.ts'
import type { SpeechMade, SpeechRequest, Transcript, TranscriptionRequest } from '../../core/audio-request.ts'
import { liveDeadline } from '../../core/deadline.ts'
import { UpstreamError } from '../../core/errors.ts'
import { createCut } from '../deadlines.ts'
import { isRecord } from '../decode-parts.ts'
import type { AskMediaOptions } from '../media/ask-media.ts'
import { resultUrl } from '../media/media-work.ts'
import type { AnywhereAccess } from '../open-anywhere.ts'
import type { CallPace } from './call-pace.ts'
import { uploadForKey } from './files.ts'
import { runTool } from './run-tool.ts'

type Options = AskMediaOptions & AnywhereAccess & { readonly pace: CallPace }
type Result = Readonly<Record<string, unknown>>

export interface AudioInput<Request> {
  readonly request: Request
  readonly account: ApiKeyAccount
  readonly signal: AbortSignal
}

/** Has a text spoken. One piece. Contract: `Upstream.speak`. Source: WIRE 11.7 */
export async function* speak(
  options: Options,
  { request, account, signal }: AudioInput<SpeechRequest>,
): AsyncGenerator<SpeechMade> {
  const call = callTools(options, account, signal)
  try {
    const { params, warnings } = await readParams(call, request)
    const { model, text } = request
    const data = await call('audio_generation', { prompt: text, model, audio_type: 'speech', params })
    const made = Array.isArray(data.generated_audios) ? data.generated_audios : []
    const urls = made.flatMap((audio: unknown) =>
      isRecord(audio) && Array.isArray(audio.audio_urls) ? audio.audio_urls : [],
    )
    const url = urls.map((each: unknown) => resultUrl(String(each), options.baseUrl)).find((each) => each)
    if (!url) throw new UpstreamError('malformed', { message: 'The tool gave no sound.' })
    yield { url: url.href, warnings }
  } finally {
    call.end()
  }
}

/** The text of a recording. One piece. Contract: `Upstream.transcribe`. Source: WIRE 11.7 */
export async function* transcribe(
  options: Options,
  { request, account, signal }: AudioInput<TranscriptionRequest>,
): AsyncGenerator<Transcript> {
  const call = callTools(options, account, signal)
  try {
    const { audio: bytes, mimeType, model, prompt } = request
    const url = await uploadForKey(options, { account, bytes, mimeType, signal: call.signal })
    const data = await call('audio_transcribe', {
      audio_urls: [url],
      model,
      ...(prompt !== undefined && { prompt }),
    })
    const text = textIn(data)
    if (text === undefined) throw new UpstreamError('malformed', { message: 'The tool gave no text.' })
    yield { text }
  } finally {
    call.end()
  }
}

/** The form of the result is not published: a text under a name that is usual, or a list of such. */
function textIn(data: unknown): string | undefined {
  if (typeof data === 'string') return data
  if (Array.isArray(data)) {
    const texts = data.map(textIn).filter((text) => text !== undefined)
    return texts.length > 0 ? texts.join('\n') : undefined
  }
  if (!isRecord(data)) return undefined
  return textNames.map((name) => textIn(data[name])).find((text) => text !== undefined)
}

const textNames = [
  'text',
  'transcript',
  'transcription',
  'transcriptions',
  'transcripts',
  'results',
  'result',
]

function callTools(options: Options, account: ApiKeyAccount, callerSignal: AbortSignal) {
  const cut = createCut(callerSignal)
  const { signal } = cut
  const stop = liveDeadline(options.mediaTimeoutMs, () => cut.abort(new UpstreamError('total-timeout')))
  const retryAfterMs = options.pace.take(account.key)

  async function call(tool: string, body: object): Promise<Result> {
    if (retryAfterMs > 0) throw new UpstreamError('rate-limited', { retryAfterMs })
    const run = { path: `/api/tool_cli/${tool}`, body, account, onHeartbeat() {}, signal }
    const { status, data, message } = await runTool(options, run).catch((error: unknown) => {
      callerSignal.throwIfAborted()
      throw signal.aborted ? signal.reason : error
    })
    if (status === 'ok') return isRecord(data) ? data : { result: data }
    const words = typeof message === 'string' ? message.slice(0, 300) : 'without a reason'
    throw new UpstreamError('malformed', { message: `The tool failed: ${words}` })
  }

  return Object.assign(call, {
    signal,
    end() {
      stop()
      cut.release()
      cut.abort('over')
    },
  })
}

/** What of the request the model has a parameter for, under the model's own names. The rest is told. */
async function readParams(
  call: (tool: string, body: object) => Promise<Result>,
  { model, voice, speed, instructions }: SpeechRequest,
): Promise<{ params: Record<string, unknown>; warnings: string[] }> {
  const params: Record<string, unknown> = {}
  const warnings: string[] = []
  const asked = { voice, speed, instructions }
  if (Object.values(asked).every((value) => value === undefined)) return { params, warnings }
  const known = await readModelInfo(call, model)
  for (const [field, value] of Object.entries(asked)) {
    if (value === undefined) continue
    const name = paramNames[field as keyof typeof paramNames].find((each) =>
      Object.hasOwn(known.properties, each),
    )
    const isVoice = field === 'voice' && known.speakers.length > 0
    const speaker = isVoice
      ? known.speakers.find((each) => each.toLowerCase() === String(value).toLowerCase())
      : value
    if (name === undefined || speaker === undefined)
      warnings.push(`${field} ${String(value).slice(0, 40)} is not used: ${model} does not know it`)
    else params[name] = speaker
  }
  return { params, warnings }
}

const paramNames = {
  voice: ['voice', 'voice_id', 'speaker', 'speaker_id', 'voice_name'],
  speed: ['speed', 'rate'],
  instructions: ['instructions', 'style_prompt', 'style'],
} as const

/** Nothing is known of a model that the tool does not tell of. */
async function readModelInfo(call: (tool: string, body: object) => Promise<Result>, model: string) {
  const found: Result = await call('get_model_info', { model_names: [model] }).catch(
    (error: unknown): Result => {
      if (error instanceof UpstreamError && error.kind === 'malformed') return {}
      throw error
    },
  )
  const list = Object.values(found).find(Array.isArray) ?? []
  const info: unknown =
    found[model] ??
    list.find(
      (each: unknown) => isRecord(each) && [each.name, each.model, each.model_name].includes(model),
    ) ??
    found
  if (!isRecord(info)) return { properties: {}, speakers: [] }
  const schema = isRecord(info.params_schema) ? info.params_schema : {}
  const speakers = Array.isArray(info.speakers) ? info.speakers : []
  return {
    properties: isRecord(schema.properties) ? schema.properties : schema,
    speakers: speakers.flatMap((each: unknown) =>
      typeof each === 'string'
        ? [each]
        : isRecord(each)
          ? [String(each.id ?? each.voice_id ?? each.name)]
          : [],
    ),
  }
}
