import { z } from 'zod'
import { checkShape, invalidValue } from '../check-shape.ts'
import { itemId } from './response-object.ts'

/** An item of an input, of any type, and where the client gave it; a fault names that place. */
export interface LocatedItem {
  readonly item: InputItem
  readonly at: string
}

export interface InputItem {
  readonly type: string
  readonly id?: string
  readonly [field: string]: unknown
}

/** @param field  where it stands in the request
 *  @returns one item for a string  @throws {InvalidRequestError} `invalid_value` */
export function parseInput(input: unknown, field = 'input'): readonly LocatedItem[] {
  if (typeof input === 'string') return [{ item: userMessage(input), at: field }]
  if (!Array.isArray(input)) throw invalidValue(field, 'expected a string or a list of items')
  return input.map((value, index) => {
    const at = `${field}[${index}]`
    return { item: parseItem(value, at), at }
  })
}

/** An item as it is kept and listed: with an id, and a message with a list of parts. */
export function toKeptItem(item: InputItem, responseId: string, index: number): InputItem {
  const kept = { id: itemId('in', responseId, index), ...item }
  if (item.type !== 'message') return kept
  const type = item.role === 'assistant' ? 'output_text' : 'input_text'
  const content = typeof item.content === 'string' ? [{ type, text: item.content }] : item.content
  return { status: 'completed', ...kept, content }
}

const userMessage = (text: string): InputItem => ({ type: 'message', role: 'user', content: text })

/** A message may leave its type out, and so may a reference. */
function parseItem(value: unknown, at: string): InputItem {
  const { type, id, ...fields } = checkShape(itemSchema, value, at)
  const known = { ...fields, ...(id ? { id } : {}) }
  if (type) return { ...known, type }
  if ('role' in fields) return { ...known, type: 'message' }
  if (id) return { ...known, type: 'item_reference' }
  throw invalidValue(`${at}.type`, 'expected the type of an item')
}

const itemSchema = z.looseObject({ type: z.string().nullish(), id: z.string().nullish() })
