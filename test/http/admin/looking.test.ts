import { expect, it } from 'vitest'
import { parseConfig } from '../../../src/config.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { type AdminServices, createAdminRouter } from '../../../src/http/admin.ts'
import { startStack } from '../../support/stack.ts'

const router = createAdminRouter(parseConfig({}), { clock: systemClock } as AdminServices)
const reads = router.stack.flatMap(({ methods, path }) => (methods.includes('GET') ? [String(path)] : []))

it('CASES A9, G1: a hundred looks at every page change no state and tell no secret', async () => {
  const stack = await startStack({
    env: {
      GS_COOKIE: 'session_id=canary-a@http://canary-user:canary-word@127.0.0.1:9,session_id=canary-b',
      GENSPARK_API_KEY: 'canary-vendor-key',
      ADMIN_SECRET: 'adm-canary',
      API_SECRET: 'sk-canary',
      RECAPTCHA_MODE: 'off',
      TOKEN_REQUIRED: 'false',
      TRUSTED_PROXY_HOPS: '1',
    },
  })
  try {
    const get = async (path: string, address = '10.0.0.1') => {
      const headers = { authorization: 'Bearer adm-canary', 'x-forwarded-for': address }
      const response = await fetch(stack.url + path, { headers, signal: AbortSignal.timeout(60_000) })
      const text = await response.text()
      expect(text).not.toContain('canary')
      expect(Buffer.from(text, 'base64').toString('latin1')).not.toContain('canary')
      return text
    }
    const listed = JSON.parse(await get('/admin/accounts'))
    const id = listed.data[0].id
    await fetch(`${stack.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: 'Bearer sk-canary', 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'gpt-5.4', messages: [{ role: 'user', content: 'canary question' }] }),
    }).then((response) => response.text())
    const states = async () => JSON.parse(await get('/admin/accounts')).data
    const before = await states()
    const asked = stack.emulator.asks.length
    const paths = reads.filter((path) => path !== '/admin/events').map((path) => path.replace(':id', id))
    for (let index = 0; index < 100; index += 1)
      await Promise.all(paths.map((path) => get(path, `10.0.1.${index}`)))
    expect(await states()).toEqual(before)
    expect(stack.emulator.asks.length).toBe(asked)
  } finally {
    await stack.stop()
  }
})
