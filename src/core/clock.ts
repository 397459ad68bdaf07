export interface Clock {
  /** Wall time, in milliseconds since the epoch; tests set it by hand. It may step. */
  now(): number
  /** Milliseconds that only grow, and not while this process stands still. Absent: `now` does neither step nor stand still. */
  live?(): number
}

/** No turn of a loop that lives takes longer than two ticks. */
const tickMs = 1_000

let liveMs = 0
let tickedAt = performance.now()
let isTicking = false

/** A paused container or a resumed machine wakes up with all that it had, whatever other clocks say. */
function live(): number {
  if (!isTicking) setInterval(tick, tickMs).unref()
  isTicking = true
  return liveMs + sinceTick()
}

function tick(): void {
  liveMs += sinceTick()
  tickedAt = performance.now()
}

const sinceTick = (): number => Math.min(performance.now() - tickedAt, 2 * tickMs)

/** The one of the process. */
export const systemClock: Clock = { now: Date.now, live }

/** A clock for the age of things. It counts what passed by the wall, or by the process where that is more: a step back makes nothing
 *  young again, and a night in which the machine slept is not forgotten. */
export function createAgeClock(wall: () => number = Date.now, process = () => performance.now()): Clock {
  let nowMs = 0
  let wallMs = wall()
  let processMs = process()
  return {
    now() {
      const [wallThen, processThen] = [wallMs, processMs]
      wallMs = wall()
      processMs = process()
      nowMs += Math.max(wallMs - wallThen, processMs - processThen, 0)
      return nowMs
    },
  }
}
