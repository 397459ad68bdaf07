import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ServiceError } from '../../../src/core/errors.ts'
import { startApp } from '../support/start-app.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const usedBytes = (): number => {
  collectGarbage()
  return process.memoryUsage().heapUsed
}

const messages = [{ role: 'user', content: 'Hello' }]
const mebibyte = 1024 * 1024

describe('while a request is answered nobody holds its body', () => {
  it.each([
    ['/v1/chat/completions', { model: 'm', messages }],
    ['/v1/chat/completions', { model: 'm', messages, stream: true }],
    ['/v1/completions', { model: 'm', prompt: 'Hello' }],
    ['/v1/messages', { model: 'm', max_tokens: 10, messages }],
    ['/v1/responses', { model: 'm', input: 'Hello' }],
    ['/v1beta/models/m:generateContent', { contents: [{ parts: [{ text: 'Hello' }] }] }],
    ['/v1/images/generations', { model: 'dall-e-3', prompt: 'A cat' }],
    ['/v1/videos/generations', { model: 'sora-2', prompt: 'A cat' }],
  ])('%s', async (path, body) => {
    const answers = Promise.withResolvers<never>()
    answers.promise.catch(() => {})
    let waiting = 0
    const wait = () => {
      waiting += 1
      return answers.promise
    }
    const app = await startApp({ runChat: wait, runMedia: wait })
    const before = usedBytes()
    const bytes = Buffer.from(JSON.stringify({ ...body, ignored: 'x'.repeat(4 * mebibyte) }))
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: bytes }
    const asked = Array.from({ length: 8 }, () => fetch(app.url + path, init))
    for (const each of asked) each.catch(() => {})
    onTestFinished(() => answers.reject(new ServiceError('internal_error')))
    await expect.poll(() => waiting).toBe(8)
    expect(usedBytes() - before).toBeLessThan(12 * mebibyte)
    answers.reject(new ServiceError('internal_error'))
    await Promise.all(asked)
  })
})
