import type { Config } from '../../config.ts'
import { parseSpeechRequest, parseTranscriptionRequest } from '../../dialects/openai-audio.ts'
import { beginMediaCall } from '../answer-chat.ts'
import type { AppServices } from '../app-services.ts'
import { readJson } from '../read-body.ts'
import { readFormOrJson } from '../read-form.ts'
import type { RequestContext } from '../request-state.ts'
import { sendJson } from '../send-json.ts'
import { sendFile } from '../site-file.ts'
import { warn } from '../warn.ts'

/** OpenAI's speech, and the text of a recording: what an API key is needed for. */
export function createAudioHandlers(
  { maxBodyBytes }: Pick<Config, 'maxBodyBytes'>,
  { runAudio, openFile }: Pick<AppServices, 'runAudio' | 'openFile'>,
) {
  return {
    async speech(context: RequestContext): Promise<void> {
      const { speech, format } = parseSpeechRequest(await readJson(context, maxBodyBytes))
      const { url, account, warnings } = await runAudio.speak(speech, beginMediaCall(context))
      const file = await openFile(account.key, url, context.state.signal)
      const isOther = format !== undefined && !isOfFormat(file.contentType, format)
      const other = `response_format ${format} is not used: the file is ${file.contentType ?? 'of no known type'}`
      warn(context, isOther ? [...warnings, other] : warnings)
      await sendFile(context, file, 'audio/mpeg')
    },

    async transcription(context: RequestContext): Promise<void> {
      const call = beginMediaCall(context)
      const body = await readFormOrJson(context, maxBodyBytes)
      const { transcription, format, warnings } = parseTranscriptionRequest(body)
      warn(context, warnings)
      const { text } = await runAudio.transcribe(transcription, call)
      if (format === 'json') return sendJson(context, { text })
      context.type = 'text/plain'
      context.body = text
    },
  }
}

const isOfFormat = (type: string | undefined, format: string): boolean =>
  type === undefined || type.includes(format) || (format === 'mp3' && type.includes('mpeg'))
