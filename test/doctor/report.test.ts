import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { parseConfig } from '../../src/config.ts'
import { createAccount } from '../../src/core/account.ts'
import { writeReport } from '../../src/doctor/report.ts'
import { runDoctor } from '../../src/doctor/run-doctor.ts'
import { startEmulator } from '../emulator/emulator.ts'

vi.setConfig({ testTimeout: 60_000 })

async function reportOf(env: Readonly<Record<string, string>>) {
  const folder = await mkdtemp(join(tmpdir(), 'canary-folder-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const config = parseConfig({ DATA_DIR: folder, PORT: '1', ...env })
  const { findings } = await runDoctor(config, () => {})
  return { report: await writeReport(config, findings, '1.2.3'), findings }
}

test('a healthy service: versions, each part, and accounts by number', async () => {
  const emulator = await startEmulator()
  onTestFinished(() => emulator.close())
  const { report } = await reportOf({ GENSPARK_BASE_URL: emulator.url, GS_COOKIE: 'session_id=alice' })

  expect(report).toMatch(/^- genspark2api: 1\.2\.3$/m)
  expect(report).toContain(`- Node: ${process.version}`)
  expect(report).toMatch(/^- Browser: Chromium [\d.]+, headless, with(?:out)? sandbox$/m)
  expect(report).toContain('GENSPARK_TRANSPORT=auto')
  expect(report).toMatch(/^- Unknown upstream events: no service runs here/m)
  for (const part of ['direct', 'page', 'transport', 'account', 'token'])
    expect(report).toMatch(new RegExp(`^\\| ok \\| ${part} account-1 \\| `, 'm'))
  expect(report).not.toContain(new URL(emulator.url).port)
})

test('holds no secret, no name and no address, whatever fails', async () => {
  const GS_COOKIE =
    'session_id=canary-cookie; c1=canary-other@http://canary-user:canary%2Fpassword@canary-proxy.example:3128'
  const { report, findings } = await reportOf({
    GENSPARK_BASE_URL: 'http://canary-site.invalid:8123',
    GS_COOKIE,
    GENSPARK_API_KEY: 'gsk-canary-key',
    API_SECRET: 'sk-canary',
    ADMIN_SECRET: 'canary-admin',
    PROXY_URL: 'socks5://canary-name:canary-pass@127.0.0.9:1',
    REDIS_URL: 'redis://:canary-redis@127.0.0.8:1',
    RECAPTCHA_SCRIPT_URL: 'http://canary-script.invalid/x.js?token=canary-token',
    BROWSER_EXECUTABLE: '/home/canary-home/chromium',
    DATA_DIR: '/dev/null/canary-data',
  })

  expect(findings.filter(({ state }) => state === 'fault').length).toBeGreaterThan(3)
  expect(report).not.toMatch(/canary|%2Fpass|gsk-/i)
  expect(report).not.toMatch(/127\.0\.0\.|\binvalid\b|\/home|\/dev/)
  expect(report).not.toContain(hostname())
  expect(report).not.toContain(createAccount('session_id=canary-cookie').label.slice(4))
  expect(report).not.toMatch(/acc_[\da-f]{8}/)
})

test('an endpoint that cannot be reached is not told by its address', async () => {
  const { report } = await reportOf({
    GENSPARK_BASE_URL: 'http://127.0.0.1:1',
    GS_COOKIE: 'session_id=alice',
    BROWSER_ENDPOINT: 'ws://canary.invalid:9222/devtools/browser/canary-id?token=canary',
  })
  expect(report).toContain('BROWSER_ENDPOINT is set')
  expect(report).toMatch(/^- Browser: does not start/m)
  expect(report).not.toContain('canary')
})

test('counts what a running service did not know', async () => {
  const asked: unknown[] = []
  const server = createServer(({ url, headers }, response) => {
    asked.push([url, headers.authorization])
    const name = 'genspark2api_unknown_upstream_events_total'
    response.end(`# HELP ${name} x\n${name}{generation="agent"} 3\n${name}{generation="copilot"} 1\n`)
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  const { report } = await reportOf({
    GENSPARK_BASE_URL: 'http://127.0.0.1:1',
    RECAPTCHA_MODE: 'off',
    ROUTE_PREFIX: '/api',
    API_SECRET: 'sk-client',
    ADMIN_SECRET: 'sk-operator',
    PORT: String((server.address() as AddressInfo).port),
  })
  expect(report).toContain('- Unknown upstream events: agent 3, copilot 1')
  expect(asked).toEqual([['/api/metrics', 'Bearer sk-operator']])
})
