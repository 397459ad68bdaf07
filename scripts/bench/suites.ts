import type { Suite } from './bench.ts'
import { abort } from './suites/abort.ts'
import { accounts } from './suites/accounts.ts'
import { dialects } from './suites/dialects.ts'
import { fanOut } from './suites/fan-out.ts'
import { idle } from './suites/idle.ts'
import { large } from './suites/large.ts'
import { paced } from './suites/paced.ts'
import { page } from './suites/page.ts'
import { redis } from './suites/redis.ts'
import { small } from './suites/small.ts'
import { soak } from './suites/soak.ts'
import { start } from './suites/start.ts'
import { stream } from './suites/stream.ts'
import { tokens } from './suites/tokens.ts'
import { tools } from './suites/tools.ts'

/** In the order in which they run. */
export const suites: readonly Suite[] = [
  small,
  stream,
  paced,
  start,
  idle,
  fanOut,
  large,
  tools,
  tokens,
  accounts,
  page,
  abort,
  redis,
  dialects,
  soak,
]
