import type { Suite } from './bench.ts'
import { small } from './suites/small.ts'
import { stream } from './suites/stream.ts'

/** In the order in which they run. */
export const suites: readonly Suite[] = [small, stream]
