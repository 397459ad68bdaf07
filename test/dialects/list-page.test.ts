import { expect, it } from 'vitest'
import { encodePage, type PageQuery } from '../../src/dialects/list-page.ts'

const newestFirst = Array.from({ length: 130 }, (_, index) => ({ id: `i${130 - index}` }))
const pageOf = (query: PageQuery) => {
  const { data, has_more, first_id, last_id } = encodePage(newestFirst, query)
  return [data.length, first_id, last_id, has_more]
}

it.each([
  [{}, [20, 'i130', 'i111', true]],
  [{ limit: '2', after: 'i129' }, [2, 'i128', 'i127', true]],
  [{ limit: '2', after: 'i2' }, [1, 'i1', 'i1', false]],
  [{ limit: '2', order: 'asc' }, [2, 'i1', 'i2', true]],
  [{ limit: ['3', '4'], after: ['i3'], order: ['asc'] }, [3, 'i4', 'i6', true]],
  [{ limit: '500' }, [100, 'i130', 'i31', true]],
  [{ limit: '-1' }, [1, 'i130', 'i130', true]],
  [{ limit: 'many', after: 'none' }, [0, null, null, false]],
  [{ after: 'i1' }, [0, null, null, false]],
])('gives the page %j', (query, expected) => {
  expect(pageOf(query)).toEqual(expected)
})
