import { expect, test } from 'vitest'
import { beginRecord, createRecords } from '../../src/records/record.ts'

test('keeps the last records, the newest first', () => {
  const records = createRecords(3)
  for (let index = 0; index < 5; index += 1) records.add(beginRecord(`r${index}`, index))
  expect(records.list().map(({ id }) => id)).toEqual(['r4', 'r3', 'r2'])
})
