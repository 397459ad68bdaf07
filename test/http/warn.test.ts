import { expect, it } from 'vitest'
import { UnavailableError } from '../../src/core/errors.ts'
import type { RequestRecord } from '../../src/records/record.ts'
import { createRecords } from '../../src/records/ring.ts'
import { chatBody, startApp, streamBody } from './support/start-app.ts'

it('tells what a request does not get, in a header and in its record', async () => {
  const records = createRecords()
  const app = await startApp({ services: { records } })
  const line = app.nextRequestLine()
  const response = await app.post({ ...streamBody, seed: 7, tools: [{ type: 'mcp', server_label: 'x' }] })
  await response.text()
  const warnings = ['tools that only the vendor could run are left out: mcp', 'no effect here: seed']
  expect(response.headers.get('warning')).toBe(warnings.map((text) => `299 - "${text}"`).join(', '))
  await line
  expect(records.list().map((record: RequestRecord) => record.warnings)).toEqual([warnings])
})

it('tells which patterns are not checked (FINDINGS T4), and efforts that the site has no variant for (FINDINGS C15)', async () => {
  const { post } = await startApp()
  const told = async (more: object) => (await post({ ...chatBody, ...more })).headers.get('warning')
  const schema = { type: 'object', properties: { a: { type: 'string', pattern: '\\A[A-Z]+\\Z' } } }
  const tool = (strict: boolean) => ({
    tools: [{ type: 'function', function: { name: 'a', strict, parameters: schema } }],
  })
  const unchecked =
    '299 - "told to the model and not checked, since JavaScript has no such patterns: \'A[A-Z]+\'Z"'
  expect(await told(tool(true))).toBe(unchecked)
  expect(await told({ response_format: { type: 'json_schema', json_schema: { name: 'a', schema } } })).toBe(
    unchecked,
  )
  expect(await told(tool(false))).toBeNull()
  const { createCatalogue } = await import('../../src/models/catalogue.ts')
  const known = await startApp({ services: { catalogue: createCatalogue() } })
  const low = async (model: string) =>
    (await known.post({ ...chatBody, model, reasoning_effort: 'low' })).headers.get('warning')
  expect(await low('gpt-5.1')).toBeNull()
  expect(await low('gpt-5.5')).toBe('299 - "no effect here: reasoning_effort"')
})

it('tells which model stands in for a name that is not known (FINDINGS U4)', async () => {
  const resolve = (id: string) => ({
    ...{ id, upstreamIds: { copilot: ['b'], agent: ['b'] }, mixture: false, search: false },
    standIn: 'gpt-6',
  })
  const { catalogue } = await import('../../src/models/catalogue.ts').then(({ createCatalogue }) => ({
    catalogue: { ...createCatalogue(), resolve },
  }))
  const { post } = await startApp({ services: { catalogue } })
  const response = await post({ ...chatBody, model: 'gpt-5-"codex"' })
  expect(response.headers.get('warning')).toBe(
    `299 - "there is no model gpt-5-'codex' here: gpt-6 answers in its place"`,
  )
})

it('leaves Codex to its own list of models, and tells it of a limit that lasts (FINDINGS C17, C25)', async () => {
  const runChat = () =>
    Promise.reject(new UnavailableError('all_accounts_cooling', { retryAfterMs: 600_000 }))
  const { url, send } = await startApp({ runChat })
  expect(await (await fetch(`${url}/v1/models?client_version=0.171.0`)).json()).toMatchObject({ models: [] })
  const response = await send('/v1/responses', { model: 'm', input: 'Hi' })
  expect([response.status, await response.json()]).toMatchObject([
    429,
    { error: { type: 'usage_limit_reached', code: 'all_accounts_cooling', resets_in_seconds: 600 } },
  ])
})
