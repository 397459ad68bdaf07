import { expect, test } from 'vitest'
import { defaultGraceSeconds, readProjectFile, unknownSettings } from '../support/deployment.ts'

const unit = readProjectFile('deploy/genspark2api.service')
const directives = new Map(
  [...unit.matchAll(/^(\w+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]),
)

test('the unit starts the service as a user of its own, with its state', () => {
  expect(Object.fromEntries(directives)).toMatchObject({
    ExecStart: '/usr/bin/env node --max-semi-space-size=8 src/start.js',
    WorkingDirectory: '/opt/genspark2api',
    EnvironmentFile: '/etc/genspark2api.env',
    DynamicUser: 'yes',
    StateDirectory: 'genspark2api',
    CapabilityBoundingSet: '',
  })
})

test('every variable is a setting, but for the one of Node', () => {
  const names = (directives.get('Environment') ?? '').split(' ').map((pair) => pair.split('=')[0] ?? '')
  expect(names).toContain('DATA_DIR')
  expect(unknownSettings(names)).toEqual(['NODE_ENV'])
})

test('systemd waits longer than the grace, and does not restart what settings keep from starting', () => {
  expect(Number(directives.get('TimeoutStopSec'))).toBeGreaterThan(defaultGraceSeconds)
  expect(directives.get('Restart')).toBe('on-failure')
  const main = readProjectFile('src/main.ts')
  const exitCodes = ['Usage', 'Config'].map((name) => new RegExp(`exit${name} = (\\d+)`).exec(main)?.[1])
  expect(directives.get('RestartPreventExitStatus')).toBe(exitCodes.join(' '))
})

test.each(['MemoryDenyWriteExecute', 'RestrictNamespaces', 'PrivateUsers', 'SystemCallFilter', 'ProcSubset'])(
  'does not set %s, and says why',
  (name) => {
    expect(directives.has(name)).toBe(false)
    expect(unit).toMatch(new RegExp(`^# {3}${name}=\\S* +\\S+`, 'm'))
  },
)
