import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { roundsOf, type Suite } from '../bench.ts'
import { freePort, type Subject } from '../subjects.ts'

const plan = { tokens: 3, burst: true }

export const redis: Suite = {
  name: 'redis',
  about: 'Small answers at C=32 with the state in Redis, against the embedded store.',
  async run(bench) {
    const server = await startRedis()
    try {
      const shared = bench.targets.map(
        (target): Subject => ({
          ...target,
          start: (options) => target.start({ ...options, env: { ...options.env, REDIS_URL: server.url } }),
        }),
      )
      const subjects = [...bench.targets, ...shared]
      await bench.rounds({ subjects, count: roundsOf(bench, 4) }, async (subject, round) => {
        if (round === 0) await subject.load(plan, { connections: 32, durationMs: 2000 })
        const load = await subject.load(plan, { connections: 32, durationMs: 2500 })
        const store = shared.includes(subject.subject) ? 'Redis' : 'embedded'
        bench.record(`${store}, C=32, requests/s`, subject.name, load.answers / (load.elapsedMs / 1000))
        bench.record(`${store}, C=32, CPU a request, ms`, subject.name, load.cpuMs / load.answers)
      })
    } finally {
      await server.stop()
    }
  },
}

async function startRedis(): Promise<{ url: string; stop(): Promise<void> }> {
  const port = await freePort()
  const folder = await mkdtemp(join(tmpdir(), 'genspark2api-bench-redis-'))
  const args = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--dir',
    folder,
    '--save',
    '',
    '--appendonly',
    'no',
  ]
  const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'ignore'] })
  for await (const piece of child.stdout.setEncoding('utf8').iterator({ destroyOnReturn: false }))
    if (piece.includes('Ready to accept connections')) break
  child.stdout.resume()
  return {
    url: `redis://127.0.0.1:${port}`,
    async stop() {
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
      await rm(folder, { recursive: true, force: true })
    },
  }
}
