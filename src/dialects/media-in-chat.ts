import type { ChatEventBatch } from '../core/chat-event.ts'
import type { ChatTurn } from '../core/chat-request.ts'
import type { MediaEvent, MediaFile } from '../core/media-event.ts'
import { filesOf } from '../core/media-event.ts'
import type { GivenImage } from './attachments.ts'
import { invalidValue } from './check-shape.ts'

/** What a chat asks of an image or video model: the words and the pictures of the last user message.
 *  @throws {InvalidRequestError} `invalid_value` when it has no words */
export function readMediaTurn(messages: readonly ChatTurn[]): {
  readonly prompt: string
  readonly images: readonly GivenImage[]
} {
  const parts = messages.findLast((turn) => turn.role === 'user')?.parts ?? []
  const prompt = parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n')
  if (!prompt.trim()) throw invalidValue('messages', 'the last user message must say what to make')
  if (parts.some(({ type }) => type === 'file'))
    throw invalidValue('messages', 'an image or video model takes images alone, no other files')
  const images = parts.filter((part) => part.type === 'image' || part.type === 'image-url')
  return { prompt, images }
}

/** Turns an answer of files into the events of a chat, so that every chat dialect can encode it.
 *  @param link  the URL under which the client can load a file */
export async function* toChatEvents(
  events: AsyncIterable<MediaEvent>,
  kind: 'image' | 'video',
  link: (file: MediaFile) => string | Promise<string>,
): AsyncGenerator<ChatEventBatch> {
  let finished: Extract<MediaEvent, { type: 'finished' }> | undefined
  for await (const event of events) {
    if (event.type === 'accepted') yield [{ type: 'progress', done: 0, tasks: event.tasks }]
    else if (event.type === 'progress') yield [event]
    else finished = event
  }
  const links: string[] = []
  for (const file of filesOf(finished)) links.push(markdown(kind, await link(file)))
  const text = links.join('\n\n')
  yield [
    { type: 'text-delta', text },
    { type: 'finished', reason: 'stop' },
  ]
}

/** NextChat makes a player of a plain link to a video. */
function markdown(kind: 'image' | 'video', url: string): string {
  const target = url.replace(/[ ()<>]/g, escapeCharacter)
  return kind === 'image' ? `![image](${target})` : `[video](${target})`
}

const escapeCharacter = (character: string): string => `%${character.charCodeAt(0).toString(16)}`
