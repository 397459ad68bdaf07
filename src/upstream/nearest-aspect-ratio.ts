/** The ratio that a generation knows, nearest to the one that is wanted: each knows others. Pure.
 *  @param wanted  e.g. `16:9`  @returns undefined for anything that is no ratio, e.g. `auto` */
export function nearestAspectRatio(wanted: string | undefined, known: readonly string[]): string | undefined {
  const logarithm = logarithmOf(wanted ?? '')
  if (Number.isNaN(logarithm)) return undefined
  const distance = (ratio: string) => Math.abs(logarithmOf(ratio) - logarithm)
  return known.toSorted((one, other) => distance(one) - distance(other))[0]
}

/** So that 2:1 is as far from 1:1 as 1:2 is. */
function logarithmOf(ratio: string): number {
  const [width, height] = ratio.split(':').map(Number)
  return Number(width) > 0 && Number(height) > 0 ? Math.log(Number(width) / Number(height)) : Number.NaN
}
