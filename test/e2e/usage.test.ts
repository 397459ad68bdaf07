import { createHash } from 'node:crypto'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createAccount } from '../../src/core/account.ts'
import { type Stack, startStack } from '../support/stack.ts'

const caller = createHash('sha256').update('sk-test').digest('hex').slice(0, 16)
const body = { model: 'gpt-5.4', messages: [{ role: 'user' as const, content: 'a secret of mine' }] }

let stack: Stack
beforeEach(async () => {
  stack = await startStack({
    env: { ADMIN_SECRET: 'sk-admin', RECAPTCHA_MODE: 'off', TOKEN_REQUIRED: 'false', MAX_ATTEMPTS: '1' },
    emulator: { tokenCheck: 'off' },
  })
})
afterEach(async () => {
  await stack.expectNothingLeft()
  await stack.stop()
})

async function usage(): Promise<{ data: Record<string, unknown>[] }> {
  const headers = { authorization: 'Bearer sk-admin' }
  const response = await fetch(`${stack.url}/admin/usage`, { headers })
  const text = await response.text()
  for (const secret of ['secret of mine', 'sk-test', 'session_id']) expect(text).not.toContain(secret)
  return JSON.parse(text)
}

it('the operator sees how the attempts ended, by account, model and key', async () => {
  const ask = () => stack.openai.chat.completions.create(body)
  await ask()
  await ask()
  stack.emulator.answerWith({ type: 'failure', failure: 'F5' })
  await expect(ask()).rejects.toThrow()
  const { data } = await usage()
  const { label } = createAccount('session_id=alice')
  for (const row of data) expect(row).toMatchObject({ account: label, model: 'gpt-5.4', caller })
  // Of two rows if an hour ended meanwhile.
  const sum = (outcome: string) => data.reduce((total, row) => total + Number(row[outcome]), 0)
  expect([sum('succeeded'), sum('abandoned')]).toEqual([2, 0])
  expect(sum('failed')).toBeGreaterThan(0)
})
