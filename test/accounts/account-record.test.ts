import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { createAccountRecords } from '../../src/accounts/account-record.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { createSeal } from '../../src/store/seal.ts'

it('replicas that list the keys in another order do not seal over each other for ever', async () => {
  const [one, two] = [createSecretKey(randomBytes(32)), createSecretKey(randomBytes(32))]
  const records = new Map<string, string>()
  let saves = 0
  const store = {
    records: async () => new Map(records),
    async saveRecord(_kind: string, id: string, text: string) {
      saves += 1
      records.set(id, text)
    },
    async changeRecords() {},
    async removeRecord() {},
  }
  const replica = (keys: readonly KeyObject[]) =>
    createAccountRecords({ store, seal: createSeal(keys), logger: silentLogger })
  const [rotated, before] = [replica([two, one]), replica([one, two])]

  await before.save('id', { note: 'kept' })
  // Each save is news to the other, which reads all anew.
  for (let told = 0; told < 10; told += 1) await [rotated, before][told % 2]?.read()
  expect(saves).toBeLessThanOrEqual(3)
  expect(await rotated.read()).toEqual(new Map([['id', { note: 'kept' }]]))
})
