// Dialect `openai-audio`: OpenAI's speech and transcriptions, parsed.
// Pure: touches `core`, zod and what the dialects share; knows no HTTP.

import { z } from 'zod'
import type { SpeechRequest, TranscriptionRequest } from '../core/audio-request.ts'
import { InvalidRequestError } from '../core/errors.ts'
import { checkShape, invalidValue } from './check-shape.ts'

export interface ParsedSpeech {
  readonly speech: SpeechRequest
  /** As asked: what comes is what the vendor's model makes. */
  readonly format: string | undefined
}

/** @throws {InvalidRequestError} `invalid_value` with the place of the first fault, `model_not_found` */
export function parseSpeechRequest(body: unknown): ParsedSpeech {
  const { model, input, voice, speed, instructions, response_format, stream_format } = checkShape(
    speechSchema,
    body,
  )
  if (stream_format === 'sse') throw invalidValue('stream_format', 'only "audio" is supported')
  return {
    speech: {
      model: chooseModel(model, {
        ids: speechModels,
        aliases: /^(?:openai\/)?(?:tts-1(?:-hd)?|gpt-4o(?:-mini)?-tts)\b/,
      }),
      text: input,
      voice: (typeof voice === 'string' ? voice : voice?.id) || undefined,
      speed: speed === 1 ? undefined : (speed ?? undefined),
      instructions: instructions || undefined,
    },
    format: response_format ?? undefined,
  }
}

export interface ParsedTranscription {
  readonly transcription: TranscriptionRequest
  readonly format: 'json' | 'text'
  /** What is asked for and not done, in words. */
  readonly warnings: readonly string[]
}

/** @param body  a form, whose file is bytes. @throws {InvalidRequestError} as `parseSpeechRequest` */
export function parseTranscriptionRequest(body: unknown): ParsedTranscription {
  const { model, file, prompt, language, temperature, response_format, stream } = checkShape(
    transcriptionSchema,
    body,
  )
  if (stream === true || stream === 'true') throw invalidValue('stream', 'transcriptions are not streamed')
  const format = response_format ?? 'json'
  if (format !== 'json' && format !== 'text')
    throw invalidValue('response_format', 'expected json or text: the vendor tells no times')
  return {
    transcription: {
      model: chooseModel(model, {
        ids: transcriptionModels,
        aliases: /^(?:openai\/)?(?:whisper|gpt-4o(?:-mini)?-transcribe)\b/,
      }),
      audio: file,
      mimeType: audioType(file),
      prompt: prompt || undefined,
    },
    format,
    warnings: [
      ...(language ? ['language is not used: the model hears it'] : []),
      ...(temperature ? ['temperature is not used'] : []),
    ],
  }
}

/** The default stands first. Source: WIRE 11.7 */
const speechModels = [
  'fal-ai/elevenlabs/tts/multilingual-v2',
  'google/gemini-3.1-flash-tts-preview',
  'bytedance/seed-audio-1.0',
  'alibaba/qwen-audio-3-tts',
  'elevenlabs/v3-tts',
  'elevenlabs/v4-tts',
  'fal-ai/minimax/speech-2.8-hd',
  'fal-ai/vibevoice/7b',
]
const transcriptionModels = ['whisper-1', 'gemini-3-flash-preview', 'elevenlabs_scribe_v2']

/** @param aliases  OpenAI's own names, for which the default stands. @throws {InvalidRequestError} `model_not_found` */
function chooseModel(
  asked: string,
  { ids, aliases }: { readonly ids: readonly string[]; readonly aliases: RegExp },
): string {
  const known = ids.find((id) => id.toLowerCase() === asked.toLowerCase())
  if (known !== undefined) return known
  const [byDefault] = ids
  if (byDefault !== undefined && aliases.test(asked.toLowerCase())) return byDefault
  throw new InvalidRequestError('model_not_found', {
    message: `There is no such model here: ${JSON.stringify(asked.slice(0, 100))}. There are: ${ids.join(', ')}.`,
    param: 'model',
    retryable: false,
  })
}

const speechSchema = z.object({
  model: z.string().trim().min(1).max(256),
  input: z.string().trim().min(1).max(100_000),
  voice: z.union([z.string().max(256), z.object({ id: z.string().max(256) })]).nullish(),
  speed: z.number().min(0.25).max(4).nullish(),
  instructions: z.string().max(10_000).nullish(),
  response_format: z.enum(['mp3', 'opus', 'aac', 'flac', 'wav', 'pcm']).nullish(),
  stream_format: z.enum(['audio', 'sse']).nullish(),
})

const transcriptionSchema = z.object({
  model: z.string().trim().min(1).max(256),
  file: z.instanceof(Uint8Array, { error: 'expected a file' }),
  prompt: z.string().max(10_000).nullish(),
  language: z.string().max(64).nullish(),
  temperature: z.unknown().optional(),
  response_format: z.string().max(64).nullish(),
  stream: z.unknown().optional(),
})

/** By its first bytes: a form may say anything. */
function audioType(bytes: Uint8Array): string {
  const head = Buffer.from(bytes.subarray(0, 12)).toString('latin1')
  return signatures.find(([pattern]) => pattern.test(head))?.[1] ?? 'application/octet-stream'
}

const signatures: readonly (readonly [RegExp, string])[] = [
  [/^(?:ID3|\xff[\xe0-\xff])/, 'audio/mpeg'],
  [/^RIFF....WAVE/s, 'audio/wav'],
  [/^OggS/, 'audio/ogg'],
  [/^fLaC/, 'audio/flac'],
  [/^.E\xdf\xa3/s, 'audio/webm'],
  [/^....ftyp/s, 'audio/mp4'],
]
