import { expect, test } from 'vitest'
import {
  beginRecord,
  clientName,
  dialectOf,
  endRecord,
  noteCounted,
  noteSiteUsage,
} from '../../src/records/record.ts'

test.each([
  ['OpenAI/JS 6.0.0', 'OpenAI'],
  ['claude-cli/2.0.1 (external, cli)', 'claude-cli'],
  ['codex_cli_rs/0.90.0 (Debian 13; x86_64)', 'codex_cli_rs'],
  ['python-requests/2.32.3', 'python-requests'],
  ['node', 'node'],
  ['Mozilla/5.0 (X11; Linux x86_64)', 'Mozilla'],
  ['sk-secret-of-a-client-that-put-it-in-the-wrong-header', undefined],
  ['eyJhbGciOi.eyJzdWIi=', undefined],
  ['"><script>', undefined],
  ['', undefined],
  [undefined, undefined],
])('names the client of %j as %s', (userAgent, name) => {
  expect(clientName(userAgent)).toBe(name)
})

test('takes the site’s own count before ours, and ours before a guess by length', () => {
  const tokens = { prompt: 1, completion: 2, reasoning: 0 }
  const guessed = { ...beginRecord('r', 0), charactersIn: 40, charactersOut: 9 }
  endRecord(guessed)
  expect(guessed).toMatchObject({
    tokens: { prompt: 10, completion: 3, reasoning: 0 },
    tokensBy: 'estimated',
  })
  const counted = beginRecord('r', 0)
  noteCounted(counted, tokens)
  noteCounted(counted, { prompt: 0, completion: 5, reasoning: 1 })
  endRecord(counted)
  expect(counted).toMatchObject({ tokens: { prompt: 1, completion: 7, reasoning: 1 }, tokensBy: 'counted' })
  noteSiteUsage(counted, tokens)
  noteCounted(counted, { prompt: 9, completion: 9, reasoning: 9 })
  expect(counted).toMatchObject({ tokens, tokensBy: 'site' })
})

test('knows the public format of each route', () => {
  expect(dialectOf('/v1/chat/completions')).toBe('openai-chat')
  expect(dialectOf('/v1/responses/:id')).toBe('openai-responses')
  expect(dialectOf('/v1/messages/count_tokens')).toBe('anthropic-messages')
  expect(dialectOf('/v1/images/edits')).toBe('openai-images')
  expect(dialectOf('/v1/videos')).toBe('openai-videos')
  expect(dialectOf('/readyz')).toBeUndefined()
})
