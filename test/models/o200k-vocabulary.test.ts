import { mkdtemp, readdir, rm, truncate } from 'node:fs/promises'
import { enableCompileCache, getCompileCacheDir } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { addToHash, loadVocabulary, type Vocabulary } from '../../src/models/o200k-vocabulary.ts'

const words = ['a', ' the', 'function', '漢字', '\n\n', ' zzzzqqqq']

beforeAll(async () => {
  enableCompileCache(await mkdtemp(join(tmpdir(), 'genspark2api-test-')))
})

function ranksOf(vocabulary: Vocabulary): readonly number[] {
  return words.map((word) => {
    const bytes = Buffer.from(word)
    const hashes = new Int32Array(bytes.length + 1)
    for (const [index, byte] of bytes.entries()) hashes[index + 1] = addToHash(hashes[index] ?? 0, byte)
    return vocabulary.rankOf(bytes, hashes, 0, bytes.length)
  })
}

test('keeps its table from one start to the next, and makes it anew when it is not whole', async () => {
  const folder = getCompileCacheDir() ?? ''
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const tables = async () => (await readdir(folder)).filter((name) => name.endsWith('.bin'))

  const made = ranksOf(await loadVocabulary())
  const [table = ''] = await tables()
  expect(table).toMatch(/^o200k-/)
  expect(ranksOf(await loadVocabulary())).toEqual(made)

  await truncate(join(folder, table), 1000)
  expect(ranksOf(await loadVocabulary())).toEqual(made)
  expect(await tables()).toEqual([table])
  expect(ranksOf(await loadVocabulary())).toEqual(made)
  expect(made.map((rank) => rank >= 0)).toEqual([true, true, true, false, true, false])
})
