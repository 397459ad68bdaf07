import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { checkDataDir } from '../../src/doctor/checks.ts'
import { startRedisServer } from '../support/redis-server.ts'
import { spawnService } from '../support/spawn-service.ts'
import { startStack } from '../support/stack.ts'

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'genspark2api-state-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

it('FINDINGS R11: an account that could not be kept is refused; readyz and the doctor say why', async () => {
  const dataDir = folder()
  mkdirSync(join(dataDir, 'state.db'))
  const stack = await startStack({
    env: { DATA_DIR: dataDir, RECAPTCHA_MODE: 'off', ADMIN_SECRET: 'sk-operator' },
  })
  onTestFinished(() => stack.stop())
  const headers = { authorization: 'Bearer sk-operator', 'content-type': 'text/plain' }
  const post = { method: 'POST', headers, body: 'session_id=bob' }
  const response = await fetch(`${stack.url}/admin/accounts`, post)
  expect(response.status).toBe(503)
  expect(await response.json()).toMatchObject({ error: { code: 'dependency_unavailable' } })
  const ready = await fetch(`${stack.url}/readyz`)
  expect(ready.status).toBe(200)
  expect(await ready.json()).toMatchObject({ parts: { state: { ok: true, state: 'in-memory' } } })
  expect(await checkDataDir(dataDir)).toMatchObject({
    state: 'fault',
    text: expect.stringMatching(/^state\.db /),
  })
})

it('FINDINGS R5: a database that this Redis does not have ends the start in words', async () => {
  const redis = await startRedisServer({ args: ['--databases', '1'] })
  onTestFinished(() => redis.stop())
  const env = { DATA_DIR: folder(), RECAPTCHA_MODE: 'off', REDIS_URL: `${redis.url}/5` }
  const service = await spawnService(env, { expectStart: false })
  onTestFinished(() => service.kill())
  expect(await service.exitCode).toBe(78)
  expect(service.output()).toMatch(/REDIS_URL names database 5, which this Redis does not have/)
})

it('FINDINGS R12: a second service on one DATA_DIR is refused in words, until the first has died', async () => {
  const env = { DATA_DIR: folder(), RECAPTCHA_MODE: 'off', GS_COOKIE: '' }
  const first = await spawnService(env)
  onTestFinished(() => first.kill())
  const second = await spawnService(env, { expectStart: false })
  expect(await second.exitCode).toBe(78)
  expect(second.output()).toContain('is in use by another service')
  expect(await checkDataDir(env.DATA_DIR)).toMatchObject({ state: 'ok' })
  first.signal('SIGKILL')
  await first.exitCode
  const third = await spawnService(env)
  onTestFinished(() => third.kill())
  expect((await fetch(`${third.url}/livez`)).status).toBe(200)
})
