import { expect, test } from 'vitest'
import type { ToolDefinition } from '../../../src/core/chat-request.ts'
import { checkSchemas } from '../../../src/gateway/output/check-schemas.ts'

const tool = (parameters: Record<string, unknown>, strict: boolean) => ({
  choice: { type: 'auto' as const },
  parallel: true,
  definitions: [{ name: 'find', description: undefined, parameters, strict } satisfies ToolDefinition],
})
const output = (schema: Record<string, unknown>) => ({
  type: 'json-schema' as const,
  name: 'person',
  description: undefined,
  schema,
})

test('good schemas pass', async () => {
  await checkSchemas({ output: output({ type: 'object' }), tools: tool({ type: 'object' }, true) })
  await checkSchemas({ output: { type: 'json-object' } })
  await checkSchemas({})
})

test('a schema of the answer that is none is refused by name', async () => {
  await expect(checkSchemas({ output: output({ type: 'text' }) })).rejects.toMatchObject({
    code: 'invalid_value',
    param: 'response_format',
    message: expect.stringMatching(
      /^The schema "person" of the answer cannot be used: at \/type: must be equal/,
    ),
  })
})

test('a schema of a strict tool that is none is refused by name', async () => {
  await expect(checkSchemas({ tools: tool({ pattern: '(' }, true) })).rejects.toMatchObject({
    code: 'invalid_value',
    param: 'tools',
    message: expect.stringContaining('The schema of the tool "find"'),
  })
})

test("schemas of other tools are nobody's business", async () => {
  await checkSchemas({ tools: tool({ pattern: '(' }, false) })
})
