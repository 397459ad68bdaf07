import { setImmediate as nextTurn } from 'node:timers/promises'
import { asPlainText, pieces, slices } from './token-slices.ts'

/** The longest beginning of a text that has at most so many tokens and cuts no character in two, and how many it has. */
export type CutToTokens = (
  text: string,
  maxTokens: number,
) => Promise<{ readonly text: string; readonly tokens: number }>

/** In the tokens of `countTokens`. Yields to other requests between slices. */
export const cutToTokens: CutToTokens = async (text, maxTokens) => {
  const { encode, decode } = await import('gpt-tokenizer/encoding/o200k_base')
  let tokens = 0
  let length = 0
  for (const slice of slices(text)) {
    if (length > 0) await nextTurn()
    for (const piece of pieces(slice)) {
      const encoded = encode(piece, asPlainText)
      const left = maxTokens - tokens
      if (encoded.length > left) {
        const fitting = commonLength(piece.toWellFormed(), decode(encoded.slice(0, left)))
        return { text: text.slice(0, length + fitting), tokens: maxTokens }
      }
      tokens += encoded.length
      length += piece.length
    }
  }
  return { text, tokens }
}

/** Of the beginning that both share. A character of which only some bytes were decoded is not in it. */
function commonLength(text: string, decoded: string): number {
  const max = Math.min(text.length, decoded.length)
  let length = 0
  while (length < max && text.charCodeAt(length) === decoded.charCodeAt(length)) length += 1
  return length
}
