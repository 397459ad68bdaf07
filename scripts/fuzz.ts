// `npm run fuzz [-- MINUTES [SEED]]`: changed requests against the whole service, ten minutes by default. Exit code 1 when
// something was found; the seed repeats the order of the requests.

import { fuzz } from '../test/support/fuzz.ts'

const [minutes = '10', given] = process.argv.slice(2)
const seed = given === undefined ? Date.now() % 2 ** 32 : Number(given)
process.stdout.write(`seed ${seed}, ${minutes} minutes\n`)
const { requests, statuses, findings } = await fuzz({ seed, forMs: Number(minutes) * 60_000 })
const counts = [...statuses]
  .sort(([one], [other]) => one - other)
  .map(([status, count]) => `${status}: ${count}`)
process.stdout.write(`${requests} requests; ${counts.join(', ')}\n`)
for (const finding of findings) process.stdout.write(`FOUND ${finding}\n`)
process.exitCode = findings.length > 0 ? 1 : 0
