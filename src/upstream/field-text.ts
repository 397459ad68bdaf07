/** Beyond it only the length of what chunks made up is kept. */
const maxHeldLength = 1024 * 1024

/** The text of one field, without doubling: it comes as deltas which a whole value may repeat, as whole values that grow,
 *  or as values that are chunks. Source: UPSTREAM 5.4 (rule for a client), 7.4 */
export class FieldText {
  #deltas = false
  #chunks = false
  #held = ''
  #length = 0
  #repeats = 0

  delta(text: string): string {
    this.#deltas = true
    return text
  }

  /** @returns what `value` adds to the text so far */
  value(value: string): string {
    if (this.#deltas) return ''
    if (this.#isWhole(value)) {
      this.#repeats += 1
      return ''
    }
    if (!this.#chunks && value.startsWith(this.#held)) {
      const added = value.slice(this.#length)
      this.#hold(value)
      return added
    }
    // Chunks after all: what looked like a repetition of the whole was one too.
    const added = this.#chunks ? value : this.#held.repeat(this.#repeats) + value
    this.#chunks = true
    this.#hold(this.#held + added, this.#length + added.length)
    return added
  }

  /** The whole text, said at the end. @returns what had not come before */
  closing(whole: string): string {
    if (this.#deltas || this.#chunks || !whole.startsWith(this.#held)) return ''
    return this.value(whole)
  }

  #isWhole(value: string): boolean {
    return value.length === this.#length && (value === this.#held || this.#length > maxHeldLength)
  }

  #hold(text: string, length = text.length): void {
    this.#repeats = 0
    this.#length = length
    this.#held = this.#chunks && length > maxHeldLength ? '' : text
  }
}
