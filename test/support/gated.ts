/** Chunks of an answer that stands still between its two halves until the gate opens: `before after`. */
export async function* gated(gate: Promise<unknown>): AsyncGenerator<string> {
  yield 'before '
  await gate
  yield 'after'
}

/** What a stream of `gated` chunks ends with. */
export const wholeGated = { text: 'before after', code: undefined, done: true }
