/** Finds one sequence in a text that comes in parts, by Knuth, Morris and Pratt: no unit of the text is looked at again. */
export class SequenceMatcher {
  readonly sequence: string
  /** Where it begins in the text, once it is found. */
  foundAt: number | undefined
  readonly #borders: Uint32Array
  readonly #firstUnit: string
  /** How much of the sequence the text ends with. */
  #matched = 0
  #length = 0

  /** @param sequence  not empty */
  constructor(sequence: string) {
    this.sequence = sequence
    this.#borders = bordersOf(sequence)
    this.#firstUnit = sequence.charAt(0)
  }

  /** Where a beginning of the sequence stands that may still become whole; the end of the text when there is none. */
  get openFrom(): number {
    return this.foundAt === undefined ? this.#length - this.#matched : Number.POSITIVE_INFINITY
  }

  /** As much text without the first unit of the sequence, while none of it is matched. */
  skip(length: number): void {
    this.#length += length
  }

  add(text: string): void {
    if (this.foundAt !== undefined) return
    for (let index = 0; index < text.length; index += 1) {
      if (this.#matched === 0) {
        index = text.indexOf(this.#firstUnit, index)
        if (index === -1) break
      }
      this.#matched = extend(this.sequence, this.#borders, this.#matched, text.charCodeAt(index))
      if (this.#matched === this.sequence.length) {
        this.foundAt = this.#length + index + 1 - this.#matched
        return
      }
    }
    this.#length += text.length
  }
}

/** How much of the sequence is matched with one more unit. */
function extend(sequence: string, borders: Uint32Array, matched: number, unit: number): number {
  let length = matched
  while (length > 0 && sequence.charCodeAt(length) !== unit) length = borders[length - 1] ?? 0
  return sequence.charCodeAt(length) === unit ? length + 1 : 0
}

/** For each beginning of the sequence the length of its longest own beginning that it also ends with. */
function bordersOf(sequence: string): Uint32Array {
  const borders = new Uint32Array(sequence.length)
  for (let index = 1; index < sequence.length; index += 1) {
    borders[index] = extend(sequence, borders, borders[index - 1] ?? 0, sequence.charCodeAt(index))
  }
  return borders
}
