import { expect, it } from 'vitest'
import { parseConfig } from '../src/config.ts'
import { silentLogger } from '../src/core/logger.ts'
import { createService } from '../src/service.ts'
import { startEmulator } from './emulator/emulator.ts'

const settings = { HOST: '127.0.0.1', PORT: '0', GS_COOKIE: 'session_id=alice', DATA_DIR: '/dev/null' }

it('closed while it begins to listen, it neither serves nor asks the site', async () => {
  const emulator = await startEmulator()
  const config = parseConfig({ ...settings, GENSPARK_BASE_URL: emulator.url })
  const service = await createService(config, { logger: silentLogger })
  const listening = service.listen()
  await service.close()
  await expect(fetch(`${await listening}/livez`)).rejects.toThrow()
  expect(emulator.requests).toEqual([])
  await emulator.close()
})

it('closed before, it does not listen', async () => {
  const service = await createService(parseConfig(settings), { logger: silentLogger })
  await service.close()
  await expect(service.listen()).rejects.toMatchObject({ code: 'shutting_down' })
})

it.each([
  ['a cookie alone', {}, /starting|ready/],
  ['keys, which are asked first', { GENSPARK_API_KEY: 'gsk-one' }, /idle/],
])('FINDINGS P12: Chromium is launched at the start, or on need, with %s', async (_case, more, expected) => {
  const emulator = await startEmulator()
  const config = parseConfig({ ...settings, ...more, GENSPARK_BASE_URL: emulator.url })
  const service = await createService(config, { logger: silentLogger })
  const url = await service.listen()
  const { parts } = (await (await fetch(`${url}/readyz`)).json()) as {
    readonly parts: { readonly browser: { readonly state: string } }
  }
  expect(parts.browser.state).toMatch(expected)
  await service.close()
  await emulator.close()
})
