import { describe, expect, it } from 'vitest'
import type { ChatMessage, ChatRequest, ChatTurn, ContentPart } from '../../../src/core/chat-request.ts'
import {
  describeOutput,
  describeTools,
  prependMessages,
  renderPrompt,
} from '../../../src/gateway/stages/render-prompt.ts'
import { tool, tools } from './support.ts'

const model = { id: 'm', upstreamIds: { copilot: ['m'], agent: ['m'] }, mixture: false, search: false }
const text = (words: string): ContentPart => ({ type: 'text', text: words })
const says = (role: ChatMessage['role'], words: string): ChatMessage => ({ role, parts: [text(words)] })
const picture: ContentPart = { type: 'image', mimeType: 'image/png', base64: 'AAAA' }
const render = (messages: readonly ChatTurn[], more: Partial<ChatRequest> = {}) =>
  renderPrompt({ model, messages, ...more }).messages

it('leaves a plain request as it is', () => {
  const messages = [says('system', 'Be brief.'), says('user', 'Hello')]
  expect(render(messages, { stop: ['x'], maxTokens: 5 })).toBe(messages)
})

describe('the tools', () => {
  it('stand behind the system messages that the history begins with', () => {
    const messages = [says('system', 'A'), says('system', 'B'), says('user', 'C'), says('system', 'D')]
    expect(render(messages, { tools: tools() })).toEqual([
      says('system', 'A'),
      says('system', 'B'),
      says('system', describeTools(tools())),
      says('user', 'C'),
      says('system', 'D'),
    ])
  })

  it('are told by name, description and parameters, in little more room than these need', () => {
    const definition = tool('get_weather', {
      description: 'The weather now.\nNever guess it: "quotes" stay.\n',
      parameters: {
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        type: 'object',
        properties: { city: { type: 'string' } },
        required: ['city'],
      },
    })
    expect(describeTools(tools({ definitions: [definition, tool('stop')] }))).toContain(`
<tool name="get_weather">
The weather now.
Never guess it: "quotes" stay.
Parameters: {"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}
</tool>
<tool name="stop">
Parameters: {"type":"object"}
</tool>
`)
  })

  it('are told with an example of a call', () => {
    expect(describeTools(tools())).toContain(
      '\n<tool_call>{"name":"name_of_the_tool","arguments":{"name_of_a_parameter":"value"}}</tool_call>\n',
    )
  })

  it.each([
    [tools(), 'If no tool is needed, answer without a call.'],
    [tools({ choice: { type: 'required' } }), 'This time your answer must hold a call'],
    [tools({ choice: { type: 'named', name: 'read' } }), 'must be a call of read, and of no other tool'],
    [tools(), 'may follow one another'],
    [tools({ parallel: false }), 'At most one call in an answer.'],
  ])('are told with the choice that there is', (toolUse, words) => {
    expect(describeTools(toolUse)).toContain(words)
  })
})

describe('the form of the answer', () => {
  const output = { type: 'json-object' } as const

  it('is told in a system message', () => {
    expect(render([says('user', 'C')], { output })).toEqual([
      says('system', describeOutput(output)),
      says('user', 'C'),
    ])
  })

  it('holds only for an answer without a call where there are tools', () => {
    expect(render([says('user', 'C')], { output, tools: tools() })[0]).toEqual(
      says('system', `${describeTools(tools())}\n\nWhen you call no tool: ${describeOutput(output)}`),
    )
  })
})

describe('turns of tools', () => {
  const called: ChatTurn = {
    role: 'assistant',
    parts: [text('Let me look.')],
    toolCalls: [
      { id: 'one', name: 'read', argumentsText: '{"path": "a"}' },
      { id: 'two', name: 'read', argumentsText: '{"path": "b"}' },
    ],
  }
  const result = (callId: string, parts: readonly ContentPart[], failed = false): ChatTurn => ({
    role: 'tool',
    callId,
    parts,
    failed,
  })
  /** Without the rules. */
  const fold = (turns: readonly ChatTurn[]) => render(turns).slice(1)

  it('become messages in the form that is taught', () => {
    expect(fold([called, result('two', [text('B')]), result('one', [text('no such file')], true)])).toEqual([
      says(
        'assistant',
        `Let me look.
<tool_call>{"name":"read","arguments":{"path": "a"}}</tool_call>
<tool_call>{"name":"read","arguments":{"path": "b"}}</tool_call>`,
      ),
      says(
        'user',
        `<tool_result name="read" call="2">
B
</tool_result>
<tool_result name="read" call="1" failed="true">
no such file
</tool_result>`,
      ),
    ])
  })

  it('keep the pictures of a result in their place', () => {
    expect(fold([called, result('one', [text('Here: '), picture]), says('user', 'And?')])[1]).toEqual({
      role: 'user',
      parts: [text('<tool_result name="read" call="1">\nHere: '), picture, text('\n</tool_result>\nAnd?')],
    })
  })

  it('keep the parts of what is said around them', () => {
    const turn = { ...called, parts: [picture] } as ChatTurn
    expect(fold([turn])[0]?.parts).toEqual([picture, text(expect.stringMatching(/^\n<tool_call>/))])
    expect(fold([{ ...called, parts: [] } as ChatTurn])[0]?.parts).toEqual([
      text(expect.stringMatching(/^<tool/)),
    ])
  })

  it('need not make sense', () => {
    const odd: ChatTurn[] = [
      result('gone', []),
      { role: 'assistant', parts: [], toolCalls: [] },
      {
        role: 'assistant',
        parts: [],
        toolCalls: [
          { id: 'a', name: 'read', argumentsText: '' },
          { id: 'b', name: 'read', argumentsText: '{half' },
        ],
      },
      says('user', 'A'),
      says('user', 'B'),
    ]
    expect(fold(odd)).toEqual([
      says('user', '<tool_result>\n\n</tool_result>'),
      { role: 'assistant', parts: [] },
      says(
        'assistant',
        '<tool_call>{"name":"read","arguments":{}}</tool_call>\n<tool_call>{"name":"read","arguments":"{half"}</tool_call>',
      ),
      says('user', 'A'),
      says('user', 'B'),
    ])
  })

  it('say so when there are no tools any more', () => {
    expect(render([called])[0]).toEqual(
      says(
        'system',
        'There are no tools now, though this conversation may hold calls of some: answer without calling any.',
      ),
    )
    expect(render([called], { tools: tools() })[0]).toEqual(says('system', describeTools(tools())))
  })
})

describe('describeOutput', () => {
  it('asks for an object alone', () => {
    expect(describeOutput({ type: 'json-object' })).toBe(
      'Answer with one JSON object. Write nothing else: no words before or after it, no code fence.',
    )
  })

  it('tells the schema, its name and what it is for', () => {
    const schema = { type: 'object', properties: { age: { type: 'integer' } } }
    const told = describeOutput({ type: 'json-schema', name: 'person', description: 'Who it is.', schema })
    expect(told).toContain('"person"')
    expect(told).toContain('Who it is.')
    expect(told).toContain('{"type":"object","properties":{"age":{"type":"integer"}}}')
  })
})

describe('prependMessages', () => {
  const request: ChatRequest = {
    model: {
      id: 'gpt-6',
      upstreamIds: { copilot: ['gpt-6'], agent: ['gpt-6'] },
      mixture: false,
      search: false,
    },
    messages: [
      { role: 'system', parts: [{ type: 'text', text: 'You are a poet.' }] },
      { role: 'user', parts: [{ type: 'text', text: 'Hello' }] },
    ],
  }

  it('the messages of the operator come before all of the client, in their order', () => {
    const changed = prependMessages(request, [
      { role: 'system', content: 'Be brief.' },
      { role: 'assistant', content: 'I shall.' },
    ])
    expect(changed).toEqual({
      model: request.model,
      messages: [
        { role: 'system', parts: [{ type: 'text', text: 'Be brief.' }] },
        { role: 'assistant', parts: [{ type: 'text', text: 'I shall.' }] },
        ...request.messages,
      ],
    })
  })

  it('without any the request stays the same', () => {
    expect(prependMessages(request, [])).toBe(request)
  })
})
