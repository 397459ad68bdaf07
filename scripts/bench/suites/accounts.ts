import { roundsOf, type Suite } from '../bench.ts'

const plan = { tokens: 3, burst: true }
const counts = [1, 4, 5, 20]
const sessionOf = (number: number): string => `bench-${number}`

export const accounts: Suite = {
  name: 'accounts',
  about:
    'More accounts than browser pages, each request with a token of a real Chromium: 4 at a time; then who serves 2,000 requests.',
  async run(bench) {
    const speeds = new Map<string, number>()
    for (const count of counts) {
      const sessions = Array.from({ length: count }, (_, index) => sessionOf(index))
      const env = {
        RECAPTCHA_MODE: 'embedded',
        TOKEN_REQUIRED: 'true',
        GS_COOKIE: sessions.map((session) => `session_id=${session}`).join(','),
      }
      const runs = { subjects: bench.targets, count: roundsOf(bench, 1), env, fresh: true }
      await bench.rounds(runs, async (subject) => {
        const { name } = subject
        const load = await subject.load(plan, { connections: 4, requests: 200 })
        const speed = load.answers / (load.elapsedMs / 1000)
        bench.record(`${count} accounts, requests/s`, name, speed)
        bench.record(`${count} accounts, p95, ms`, name, load.latencyMs.p95)
        bench.record(`${count} accounts, CPU a request, ms`, name, load.cpuMs / load.answers)
        if (count === 4) speeds.set(name, speed)
        if (count !== counts.at(-1)) return
        bench.record('requests/s, 20 accounts : 4', name, speed / (speeds.get(name) ?? speed))

        const before = (await bench.state()).asksOf
        await subject.load(plan, { connections: 4, requests: 2000 })
        const after = (await bench.state()).asksOf
        const served = sessions.map((session) => (after[session] ?? 0) - (before[session] ?? 0))
        bench.record('least share of 2,000 : even share', name, Math.min(...served) / (2000 / count))
      })
    }
  },
}
