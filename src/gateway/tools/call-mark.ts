/** One call as models are taught to write it, and as they find it in the history. Many know this form from their training; in
 *  prose it is as good as never seen.
 *  @param argumentsText  JSON */
export function writeCall(name: string, argumentsText: string): string {
  return `<tool_call>{"name":${JSON.stringify(name)},"arguments":${argumentsText}}</tool_call>`
}

/** The start of a call, also of several in one mark. In inline code it is quoted, not meant; in a fence many models call. */
export const opening = /(?<!(?<!`)`{1,2})<tool_calls?>/

/** Where at the end of `text` an opening may have begun. @returns the length of `text` when none has */
export function findPartOfOpening(text: string): number {
  const at = text.lastIndexOf('<')
  return at >= 0 && '<tool_calls>'.startsWith(text.slice(at)) ? at : text.length
}

/** Where before `end` that begins which is no text if a call follows at `end`: a line break, the start of a code fence. */
export function findLeadIn(text: string, end: number): number {
  const start = Math.max(0, end - maxLeadInLength)
  return start + text.slice(start, end).search(leadIn)
}

/** What may stand between the mark and a call, between calls and behind the last: white space, marks, fences, the signs of a
 *  list, a brace too many. @returns its length at the start of `text` */
export const fillerLength = (text: string): number => filler.exec(text)?.[0].length ?? 0

/** More of the text may make filler of it. */
export const mayBecomeFiller = (text: string): boolean => beginnings.some((whole) => whole.startsWith(text))

const maxLeadInLength = 64
const leadIn = /(?:\s*\n[ \t]*)?(?:`{1,2}|```[\w-]*\s*)?$/
const filler = /^(?:[\s[\],;}]|```[\w-]*|<\/?tool_calls?>)*/
const beginnings = ['<tool_calls>', '</tool_calls>', '```']
