/** What a tool gave back, as content that a dialect can parse: words and lists of its parts are content already; what else a tool
 *  may give is told as JSON.
 *  @param isPart  whether this says of itself that it is a part, right or wrong */
export function toContent(given: unknown, isPart: (value: unknown) => boolean): unknown {
  if (given === null || given === undefined) return []
  if (typeof given === 'string') return given
  return Array.isArray(given) && given.every(isPart) ? given : JSON.stringify(given)
}
