// Loaded into a service by NODE_OPTIONS=--import: at SIGUSR2 its wall clock steps to what CLOCK_FILE says, in milliseconds from the
// true one. The monotonic clock goes on, as it does when the clock of a machine is set.

import { readFileSync } from 'node:fs'

const TrueDate = Date
let shiftMs = 0

globalThis.Date = new Proxy(TrueDate, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length > 0 ? args : [target.now() + shiftMs], newTarget) as Date,
  apply: (target) => new target(target.now() + shiftMs).toString(),
  get: (target, name) => (name === 'now' ? () => target.now() + shiftMs : Reflect.get(target, name, target)),
})

process.on('SIGUSR2', () => {
  shiftMs = Number(readFileSync(process.env.CLOCK_FILE ?? '', 'utf8'))
})
