import type { ChatAnswer } from '../../core/chat-event.ts'
import type { ServiceError } from '../../core/errors.ts'
import { splitText, toLine } from '../delta-text.ts'
import { encodeBatch } from '../encode-batch.ts'
import { encodeProgress } from '../encode-progress.ts'
import type { DeltaEvent, DeltaHead, ResponseEvent, WholeEvent } from './response-event.ts'
import type { ResponseObject } from './response-object.ts'
import { type TellResponseOptions, tellResponse } from './tell-response.ts'

export interface ResponseStreamEncoder {
  /** Strings of whole SSE events, one for each upstream read; the last is `response.completed` or `response.incomplete`.
   *  @throws whatever the answer breaks with; `encodeError` then writes it */
  readonly events: AsyncGenerator<string>
  /** The last words of a stream that broke. */
  encodeError(error: ServiceError): string
}

export function createResponseStreamEncoder(
  answer: Promise<ChatAnswer>,
  options: TellResponseOptions,
): ResponseStreamEncoder {
  const { growing, events } = tellResponse(answer, options)
  const encode = createEventEncoder()

  async function* encodeAll(): AsyncGenerator<string> {
    for await (const told of events) yield* encodeBatch(told, encode)
  }

  return {
    events: encodeAll(),
    encodeError(error) {
      growing.fail(error)
      return growing.take().map(encode).join('')
    },
  }
}

/** One encoder a stream: it numbers the events. Each result is whole SSE events. */
function createEventEncoder(): (event: ResponseEvent) => string {
  let number = 0
  let lastHead: DeltaHead | undefined
  let headText = ''
  let lastResponse: ResponseObject | undefined
  let responseText = ''

  /** @param fields  a JSON object without its closing brace */
  function frame(type: string, fields: string): string {
    const event = `event: ${type}\ndata: ${fields},"sequence_number":${number}}\n\n`
    number += 1
    return event
  }

  function encodeDelta({ head, delta }: DeltaEvent): string {
    if (head !== lastHead) {
      lastHead = head
      headText = withoutBrace(toLine(head))
    }
    let output = ''
    for (const part of splitText(delta)) output += frame(head.type, `${headText},"delta":${toLine(part)}`)
    return output
  }

  /** The first two events tell the same response, with all its tools: it is written out once. */
  function encodeState(type: string, response: ResponseObject): string {
    if (response !== lastResponse) {
      lastResponse = response
      responseText = toLine(response)
    }
    return frame(type, `{"type":"${type}","response":${responseText}`)
  }

  function encodeWhole(event: WholeEvent): string {
    return 'response' in event
      ? encodeState(event.type, event.response)
      : frame(event.type, withoutBrace(toLine(event)))
  }

  return (event) => {
    switch (event.type) {
      case 'delta':
        return encodeDelta(event)
      case 'progress':
        return encodeProgress(event)
      default:
        return encodeWhole(event)
    }
  }
}

const withoutBrace = (json: string): string => json.slice(0, -1)
