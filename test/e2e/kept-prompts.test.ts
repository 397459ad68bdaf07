import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { expect, it, onTestFinished } from 'vitest'
import { startRedisServer } from '../support/redis-server.ts'
import { startStack } from '../support/stack.ts'

const marker = 'mango-7f3a'

async function start(env: Readonly<Record<string, string>> = {}) {
  const stack = await startStack({ env: { RECAPTCHA_MODE: 'off', ...env } })
  onTestFinished(() => stack.stop())
  const onDisk = () =>
    readdirSync(stack.dataDir, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.startsWith('state.db'))
      .some((name) => readFileSync(join(stack.dataDir, name)).includes(marker))
  return { ...stack, onDisk }
}

it('FINDINGS S8: no word of a kept prompt or answer lies readable on disk', async () => {
  const { openai, onDisk } = await start()
  const { id } = await openai.responses.create({ model: 'gpt-5.4', input: `Say ${marker}` })
  const again = await openai.responses.create({
    ...{ model: 'gpt-5.4', input: 'And?', previous_response_id: id },
  })
  expect(again.status).toBe('completed')
  expect(onDisk()).toBe(false)
})

it('FINDINGS S8: RESPONSES_STORE=0 keeps only what is asked to be kept', async () => {
  const { openai } = await start({ RESPONSES_STORE: '0' })
  const request = { model: 'gpt-5.4', input: 'Hello' }
  const left = await openai.responses.create(request)
  await expect(openai.responses.retrieve(left.id)).rejects.toMatchObject({ status: 404 })
  const kept = await openai.responses.create({ ...request, store: true })
  expect((await openai.responses.retrieve(kept.id)).id).toBe(kept.id)
})

it('FINDINGS S8: a text beyond the bound is answered and not kept', async () => {
  const { openai, logs } = await start()
  const long = await openai.responses.create({ model: 'gpt-5.4', input: 'x'.repeat(2 * 1024 * 1024) })
  await expect(openai.responses.retrieve(long.id)).rejects.toMatchObject({ status: 404 })
  expect(logs.some(({ msg }) => msg === 'a response could not be kept')).toBe(true)
})

it('FINDINGS S8: with Redis and no STATE_KEY a kept response stays in the memory of its replica', async () => {
  const redis = await startRedisServer()
  onTestFinished(() => redis.stop())
  const { openai, logs, onDisk } = await start({ REDIS_URL: redis.url })
  const { id } = await openai.responses.create({ model: 'gpt-5.4', input: `Say ${marker}` })
  expect((await openai.responses.retrieve(id)).id).toBe(id)
  const client = new Redis(redis.url)
  onTestFinished(() => client.disconnect())
  const keys = await client.keys('*')
  const values = await Promise.all(keys.map((key) => client.dump(key).then((dump) => `${key} ${dump}`)))
  expect(values.join()).not.toContain(marker)
  expect(values.join()).not.toContain(id)
  expect(onDisk()).toBe(false)
  expect(logs.some(({ msg }) => /^no STATE_KEY.*kept responses stay/.test(String(msg)))).toBe(true)

  const other = await start({ REDIS_URL: redis.url })
  const request = { model: 'gpt-5.4', input: 'And?', previous_response_id: id }
  await expect(other.openai.responses.create(request)).rejects.toMatchObject({
    status: 400,
    code: 'previous_response_not_found',
  })
})
