/** @param share  0 to 1: how many of the samples are smaller */
export function quantile(samples: readonly number[], share: number): number {
  return samples.toSorted((a, b) => a - b)[Math.floor((samples.length - 1) * share)] ?? Number.NaN
}

export const median = (samples: readonly number[]): number => quantile(samples, 0.5)
