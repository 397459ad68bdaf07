/** What makes one list into another. */
export interface ListDifference<Item> {
  readonly gone: readonly Item[]
  readonly come: readonly Item[]
}

/** Cheap where little has changed, however long the lists: only what stands between their common beginning and their common end is
 *  looked up. What has only moved is no difference. */
export function listDifference<Item>(before: readonly Item[], after: readonly Item[]): ListDifference<Item> {
  const shorter = Math.min(before.length, after.length)
  let from = 0
  while (from < shorter && before[from] === after[from]) from += 1
  let same = 0
  while (same < shorter - from && before[before.length - 1 - same] === after[after.length - 1 - same])
    same += 1
  const [old, fresh] = [before.slice(from, before.length - same), after.slice(from, after.length - same)]
  const [oldItems, freshItems] = [new Set(old), new Set(fresh)]
  return {
    gone: old.filter((item) => !freshItems.has(item)),
    come: fresh.filter((item) => !oldItems.has(item)),
  }
}
