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
  const warnings = ['no effect here: seed', 'tools that only the vendor could run are left out: mcp']
  expect(response.headers.get('warning')).toBe(warnings.map((text) => `299 - "${text}"`).join(', '))
  await line
  expect(records.list().map((record: RequestRecord) => record.warnings)).toEqual([warnings])
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
