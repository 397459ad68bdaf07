import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { afterEach, expect, test } from 'vitest'
import { askCopilot } from './raw-request.ts'

const started: ChildProcessWithoutNullStreams[] = []
function start(...options: string[]): ChildProcessWithoutNullStreams {
  const child = spawn(process.execPath, [`${import.meta.dirname}/main.ts`, ...options])
  started.push(child)
  return child
}
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL')
})

test.each(['SIGTERM', 'SIGINT'] as const)(
  'says its address first, answers, and ends on %s',
  async (signal) => {
    const child = start('--port', '0', '--no-token-check')
    const lines = createInterface(child.stdout)
    const [first] = await once(lines, 'line')
    const [, url = ''] = /^emulator listening on (http:\/\/127\.0\.0\.1:\d+)$/.exec(first) ?? []
    const reply = await askCopilot(url)
    expect(reply.body.toString()).toContain('model gpt-4o | token not checked | you said: Hello')
    child.kill(signal)
    expect(await once(child, 'exit')).toEqual([0, null])
  },
)

test('may have TLS, and challenge what is no browser', async () => {
  const lines = createInterface(start('--port', '0', '--tls', '--challenge').stdout)[Symbol.asyncIterator]()
  const [first, second = ''] = [(await lines.next()).value, (await lines.next()).value]
  expect(first).toMatch(/^emulator listening on https:\/\/localhost:\d+$/)
  const [, plainUrl = ''] = /^and on (http:\/\/127\.0\.0\.1:\d+)$/.exec(second) ?? []
  expect((await askCopilot(plainUrl)).headers['cf-mitigated']).toBe('challenge')
})

test('--help lists the options and the magic prompts', async () => {
  const child = start('--help')
  const text = (await child.stdout.toArray()).join('')
  for (const word of ['--port', '--no-token-check', '--challenge', '--tls', '[[think]]', '[[F1]]'])
    expect(text).toContain(word)
})

test('an unknown option is explained and ends with code 1', async () => {
  const child = start('--colour')
  const [[code], errors] = await Promise.all([once(child, 'exit'), child.stderr.toArray()])
  expect(code).toBe(1)
  expect(errors.join('')).toMatch(/^Unknown option '--colour'[\s\S]*Try --help\.\n$/)
})
