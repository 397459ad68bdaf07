import { expect, test } from 'vitest'
import type { ChatMessage, ContentPart } from '../../../src/core/chat-request.ts'
import { encodeAnthropicChat } from '../../../src/upstream/vendor-api/encode-anthropic-chat.ts'
import { chatRequest } from '../support.ts'

const text = (words: string): ContentPart => ({ type: 'text', text: words })
const image: ContentPart = { type: 'image', mimeType: 'image/png', base64: 'aW1n' }
const says = (role: ChatMessage['role'], ...parts: (string | ContentPart)[]): ChatMessage => ({
  role,
  parts: parts.map((part) => (typeof part === 'string' ? text(part) : part)),
})
const encode = (...messages: ChatMessage[]) => encodeAnthropicChat({ ...chatRequest(), messages })

test('the system is told apart, pictures and PDFs are blocks, and the whole history goes along', () => {
  const pdf: ContentPart = { type: 'file', name: 'a.pdf', mimeType: 'application/pdf', base64: 'cGRm' }
  expect(
    encode(
      says('system', 'Be brief.'),
      says('user', 'What is this?', image, pdf),
      says('assistant', 'A cat'),
      says('system', 'Be kind.'),
      says('user', 'Sure?'),
    ),
  ).toEqual({
    model: 'claude-sonnet-5',
    max_tokens: 32_000,
    stream: true,
    system: [
      { type: 'text', text: 'Be brief.' },
      { type: 'text', text: 'Be kind.' },
    ],
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'What is this?' },
          { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aW1n' } },
          { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'cGRm' } },
        ],
      },
      { role: 'assistant', content: [{ type: 'text', text: 'A cat' }] },
      { role: 'user', content: [{ type: 'text', text: 'Sure?' }] },
    ],
  })
})

test('a chat without system has none', () => {
  expect(encode(says('user', 'Hello'))).toEqual({
    model: 'claude-sonnet-5',
    max_tokens: 32_000,
    stream: true,
    messages: [{ role: 'user', content: [{ type: 'text', text: 'Hello' }] }],
  })
})

test('messages of one role in a row are one turn, also around blank and system ones', () => {
  const history = [
    says('user', 'One'),
    says('system', 'Be brief.'),
    says('assistant', ' \n'),
    says('user', '', 'two'),
    says('assistant', 'Three'),
    says('assistant', 'four'),
    says('user', 'Five'),
  ]
  const before = structuredClone(history)
  expect(encode(...history)).toMatchObject({
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'One' },
          { type: 'text', text: 'two' },
        ],
      },
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'Three' },
          { type: 'text', text: 'four' },
        ],
      },
      { role: 'user', content: [{ type: 'text', text: 'Five' }] },
    ],
  })
  expect(history).toEqual(before)
})

test('a turn may have any number of parts', () => {
  const many = Array.from({ length: 200_000 }, () => text('a'))
  const turns = encode(says('user', 'Hello'), { role: 'user', parts: many })?.messages
  expect(turns?.map(({ content }) => content.length)).toEqual([200_001])
})

test.each<[string, ChatMessage[]]>([
  ['a system alone', [says('system', 'Say hello.')]],
  ['nothing but blanks', [says('user', ' ')]],
  ['a history that begins with the answer', [says('assistant', 'Hi'), says('user', 'Hello')]],
  ['an answer to go on with', [says('user', 'Hello'), says('assistant', 'Hi')]],
  ['a picture of the assistant', [says('user', 'a'), says('assistant', image), says('user', 'b')]],
  ['a picture of the system', [says('system', image), says('user', 'a')]],
  ['a picture of a kind it does not take', [says('user', { ...image, mimeType: 'image/avif' })]],
  [
    'another file',
    [says('user', { type: 'file', name: 'a.csv', mimeType: 'text/csv', base64: 'YSxi' }, 'Read this.')],
  ],
])('there is no form for %s', (_what, messages) => {
  expect(encode(...messages)).toBeUndefined()
})
