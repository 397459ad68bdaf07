import { expect, it } from 'vitest'
import { encodePage, type PageQuery } from '../../src/dialects/encode-page.ts'

const items = Array.from({ length: 150 }, (_, index) => ({ id: `id-${index}` }))

it.each<[PageQuery, string | null, string | null, boolean]>([
  [{}, 'id-0', 'id-19', true],
  [{ limit: '2' }, 'id-0', 'id-1', true],
  [{ limit: '2', after: 'id-1' }, 'id-2', 'id-3', true],
  [{ limit: '2', after: 'id-147' }, 'id-148', 'id-149', false],
  [{ after: 'id-149' }, null, null, false],
  [{ after: 'unknown' }, 'id-0', 'id-19', true],
  [{ order: 'asc' }, 'id-149', 'id-130', true],
  [{ order: 'asc', after: 'id-1' }, 'id-0', 'id-0', false],
  [{ limit: '1000' }, 'id-0', 'id-99', true],
  [{ limit: '-5' }, 'id-0', 'id-0', true],
  [{ limit: 'nonsense' }, 'id-0', 'id-19', true],
])('answers %j from %s to %s', (query, first_id, last_id, has_more) => {
  const page = encodePage(items, query, ({ id }) => id)
  expect(page).toMatchObject({ object: 'list', first_id, last_id, has_more })
  expect([page.data[0] ?? null, page.data.at(-1) ?? null]).toEqual([first_id, last_id])
})
