/** @param share  0 to 1: how many of the samples are smaller */
export function quantile(samples: ArrayLike<number>, share: number): number {
  return Float64Array.from(samples).sort()[Math.floor((samples.length - 1) * share)] ?? Number.NaN
}

export const median = (samples: ArrayLike<number>): number => quantile(samples, 0.5)
