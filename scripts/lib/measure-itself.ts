// Loaded into a service by NODE_OPTIONS=--import: at SIGUSR2 it writes to MEASURES_FILE what it uses, after a collection.

import { renameSync, writeFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
const mb = (bytes: number) => bytes / 1024 / 1024

process.on('SIGUSR2', () => {
  collect()
  const resources = process.getActiveResourcesInfo()
  const timers = resources.filter((name) => name === 'Timeout' || name === 'Immediate').length
  const { heapUsed, rss } = process.memoryUsage()
  const file = process.env.MEASURES_FILE ?? ''
  const measure = { heapMb: mb(heapUsed), rssMb: mb(rss), timers, handles: resources.length - timers }
  writeFileSync(`${file}.new`, JSON.stringify(measure))
  renameSync(`${file}.new`, file)
})
