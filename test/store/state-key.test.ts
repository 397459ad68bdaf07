import { createSecretKey } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { silentLogger } from '../../src/core/logger.ts'
import { createSeal } from '../../src/store/seal.ts'
import { openStateKeys } from '../../src/store/state-key.ts'

const given = createSecretKey('00'.repeat(32), 'hex')

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'genspark2api-key-'))
  onTestFinished(() => rmSync(path, { recursive: true }))
  return path
}

const open = (dataDir: string | undefined, options: Partial<Parameters<typeof openStateKeys>[0]> = {}) =>
  openStateKeys({ stateKeys: [], dataDir, canMake: true, logger: silentLogger, ...options })

test('FINDINGS S8: a key is made once, for its owner alone, and opens what it sealed after STATE_KEY was set', () => {
  const dataDir = join(folder(), 'data')
  const sealed = createSeal(open(dataDir)).close('text', 'id')
  const file = join(dataDir, 'state.key')
  expect(statSync(file).mode & 0o777).toBe(0o600)
  const text = readFileSync(file, 'utf8')
  expect(createSeal(open(dataDir)).open(sealed, 'id')).toEqual({ text: 'text', stale: false })
  expect(createSeal(open(dataDir, { stateKeys: [given] })).open(sealed, 'id')).toEqual({
    text: 'text',
    stale: true,
  })
  expect(readFileSync(file, 'utf8')).toBe(text)
})

test('FINDINGS S8: none is made beside STATE_KEY or with Redis; without a folder one lives as long as the process', () => {
  const dataDir = folder()
  expect(open(dataDir, { stateKeys: [given] })).toEqual([given])
  expect(open(dataDir, { canMake: false })).toEqual([])
  expect(open(undefined)).toHaveLength(1)
  writeFileSync(join(dataDir, 'file'), '')
  expect(open(join(dataDir, 'file'))).toHaveLength(1)
})

test('FINDINGS S8: a state.key that is none is refused, never replaced', () => {
  const dataDir = folder()
  writeFileSync(join(dataDir, 'state.key'), 'half of a k')
  expect(() => open(dataDir)).toThrow(/state\.key holds no key/)
  rmSync(join(dataDir, 'state.key'))
  mkdirSync(join(dataDir, 'state.key'))
  expect(() => open(dataDir)).toThrow(/state\.key cannot be read/)
})
