import { expect, it } from 'vitest'
import { parseConfig } from '../../../src/config.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { type AdminServices, createAdminRouter } from '../../../src/http/admin.ts'
import { startApp } from '../support/start-app.ts'

const router = createAdminRouter(parseConfig({}), { clock: systemClock } as AdminServices)
const routes = router.stack.flatMap(({ methods, path }) =>
  methods.filter((method) => method !== 'HEAD').map((method) => [method, String(path)] as const),
)

it('CASES H4: no route of the operator tells or does anything without his key', async () => {
  expect(routes.length).toBeGreaterThan(10)
  const touched: PropertyKey[] = []
  const untouchable = new Proxy({}, { get: (_, name) => () => void touched.push(name) })
  const records = { add() {}, page: () => touched.push('page'), find: () => touched.push('find') }
  const services = { accountAdmin: untouchable, records, usage: () => touched.push('usage') } as object
  const env = { ADMIN_SECRET: 'adm', API_SECRET: 'sk-client', TRUSTED_PROXY_HOPS: '1' }
  const app = await startApp({ env, services })
  let address = 0
  for (const [method, path] of [...routes, ['GET', '/admin/nothing'], ['PUT', '/admin/accounts']] as const)
    for (const key of ['', 'wrong', 'sk-client']) {
      address += 1
      const signsIn = path === '/admin/session' && method === 'POST'
      const response = await fetch(app.url + path.replace(/:\w+/g, 'acc_00000000'), {
        method,
        headers: {
          'x-forwarded-for': `10.0.${address >> 8}.${address & 255}`,
          'content-type': 'application/json',
          ...(key && { authorization: `Bearer ${key}` }),
        },
        ...(method !== 'GET' && { body: JSON.stringify(signsIn ? { secret: key || 'none' } : {}) }),
      })
      const body = await response.json()
      expect([method, path, key, response.status]).toEqual([method, path, key, 401])
      expect(Object.keys(body)).toEqual(['error'])
      expect(body.error.code).toBe('invalid_api_key')
      expect(response.headers.get('allow')).toBeNull()
      expect(response.headers.get('set-cookie')).toBeNull()
    }
  expect(touched).toEqual([])
})
