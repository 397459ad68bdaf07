/** Beyond it only the length of what chunks made up is kept. */
const maxHeldLength = 1024 * 1024

/** The text of one field, without doubling: it comes as deltas which a whole value may repeat, as whole values that grow,
 *  or as values that are chunks. Source: UPSTREAM 5.4 (rule for a client), 7.4 */
export class FieldText {
  #deltas = false
  #chunks = false
  #held = ''
  #length = 0

  delta(text: string): string {
    this.#deltas = true
    return text
  }

  /** @returns what `value` adds to the text so far */
  value(value: string): string {
    if (this.#deltas || this.#isWhole(value)) return ''
    if (!this.#chunks && value.startsWith(this.#held)) {
      const added = value.slice(this.#length)
      this.#hold(value)
      return added
    }
    this.#chunks = true
    this.#hold(this.#held + value, this.#length + value.length)
    return value
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
    this.#length = length
    this.#held = this.#chunks && length > maxHeldLength ? '' : text
  }
}
