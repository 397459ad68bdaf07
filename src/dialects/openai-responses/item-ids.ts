/** Ids of a response and of its items. That of an item names its response, so that a reference finds it without an index. */

export const createResponseId = (requestId: string): string => `resp_${requestId.replaceAll('-', '')}`

export type ItemKind = 'msg' | 'rs' | 'fc' | 'ctc' | 'in'

/** @param index  of the output, or of the input for `in` */
export const itemId = (kind: ItemKind, responseId: string, index: number): string =>
  `${kind}_${responseId.slice('resp_'.length)}${String(index).padStart(2, '0')}`

/** @returns undefined for an id that was not given here */
export function responseIdOf(id: string): string | undefined {
  const [, hex] = /^[a-z]{2,3}_([0-9a-f]{32})\d{2,}$/.exec(id) ?? []
  return hex && `resp_${hex}`
}
