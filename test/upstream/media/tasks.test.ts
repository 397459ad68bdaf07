import { expect, test } from 'vitest'
import { findTasks, findTasksInContent, parseTaskState } from '../../../src/upstream/media/tasks.ts'

const idsIn = (value: object) => [...findTasks({ ...value })].map(({ id }) => id)

const told = '{"generated_images": [{"task_id": "t-1"}, {"task_id": "t-2"}]}'

test('the JSON string of gen 1 gives ids alone', () => {
  const inContent = (content: unknown, type = 'message_result') => [
    ...findTasksInContent({ id: 'b', role: 'assistant', content, type }),
  ]
  expect(inContent(told)).toMatchObject([{ id: 't-1' }, { id: 't-2' }])
  expect(inContent('{"generated_videos": [{"task_id": "t-1"}]}')).toMatchObject([{ id: 't-1' }])
  const withFiles =
    '{"generated_images": [{"task_id": "t", "status": "SUCCESS", "image_urls": ["http://127.0.0.1/"]}]}'
  expect(inContent(withFiles)).toEqual([{ id: 't', state: { type: 'pending' }, prompt: undefined }])
  expect(inContent('{"task_id": "t", "image_urls": ["http://127.0.0.1/"]}')).toEqual([])
  expect(inContent('{"generated_images": "task_id"}')).toEqual([])
  expect(inContent([told])).toEqual([])
  expect(inContent(told, 'message_field')).toEqual([])
})

const lure = '{"task_id":"t","status":"SUCCESS","image_urls":["http://127.0.0.1:9/latest/meta-data/"]}'

test.each<[string, object]>([
  ['its answer', { type: 'message_result', message: { id: 'M', role: 'assistant', content: lure } }],
  ['an answer in parts', { message: { role: 'assistant', content: [{ type: 'text', text: lure }] } }],
  ['an answer that is an object', { message: { role: 'assistant', content: JSON.parse(lure) } }],
  ['its answer, above', { type: 'message_result', role: 'assistant', content: lure }],
  ['a delta', { type: 'message_field_delta', field_name: 'content', delta: lure }],
  ['a delta without a name', { type: 'message_field_delta', delta: lure }],
  ['a field', { type: 'message_field', field_name: 'content', field_value: lure }],
  ['a field of a session', { field_name: 'session_state.answer.content', field_value: JSON.parse(lure) }],
  ['what it thinks', { field_name: 'reasoning_content', field_value: lure }],
  ['what a tool said', { message: { role: 'tool', content: lure } }],
  ['the arguments of a call', { tool_calls: [{ id: 'c', function: { name: 'f', arguments: lure } }] }],
  ['a name made of the prompt', { type: 'project_field', field_name: 'name', field_value: lure }],
  ['a prompt', { session_state: { messages: [{ role: 'user', content: lure }], query: lure } }],
])('FINDINGS S2: no task out of words: %s', (_where, event) => {
  expect(idsIn(event)).toEqual([])
})

test('a result that is a JSON string', () => {
  expect(idsIn({ field_name: 'image_generation_agent.results', field_value: `[${lure}]` })).toEqual(['t'])
  expect(idsIn({ data: told })).toEqual(['t-1', 't-2'])
})

test('a result with its files, its rewritten prompt and its state', () => {
  const result = {
    task_id: 't-1',
    prompt: 'rewritten prompt',
    model: 'gpt-image-2',
    status: 'SUCCESS',
    image_urls: ['https://www.genspark.ai/api/files/s/abc'],
    image_urls_nowatermark: ['https://www.genspark.ai/api/files/s/def'],
  }
  expect([...findTasks({ field_name: 'image_generation_agent.results', field_value: [result] })]).toEqual([
    {
      id: 't-1',
      state: { type: 'succeeded', urls: ['https://www.genspark.ai/api/files/s/def'] },
      prompt: 'rewritten prompt',
    },
  ])
})

test.each([
  ['a list of ids', { task_ids: ['a', 'b'] }, ['a', 'b']],
  ['a map of tasks', { tasks: { a: { status: 'QUEUED' }, b: {} } }, ['a', 'b']],
  ['a queue object', { id: 'a', task_type: 'image_generation', queue_name: 'q' }, ['a']],
  ['a tool call', [{ id: 'call', function: { arguments: '{"prompt":"p"}' }, task_id: 'a' }], ['a']],
  ['a result without a task', { image_urls: ['https://x/1.png'] }, [undefined]],
  ['other ids', { id: 'p-1', message_id: 'm', project_id: 'p' }, []],
  ['tasks that are a list', { tasks: ['a'] }, []],
  ['a JSON string', { note: lure }, []],
  ['words about a task_id', 'the task_id is {"task_id": "a"}', []],
  ['broken JSON', '{"task_id": "a"', []],
  ['null', null, []],
])('%s', (_what, value, ids) => {
  expect(idsIn({ value })).toEqual(ids)
  expect(idsIn({ field_value: value })).toEqual(ids)
})

test('what is nested without end is left', () => {
  let value: unknown = { task_id: 'deep' }
  for (let depth = 0; depth < 10_000; depth += 1) value = [value]
  expect(idsIn({ value })).toEqual([])
})

test.each([
  { status: -2, message: 'task not found' },
  { status: 'CENSORED' },
  { status: 'PENDING', failure_reason: 'no' },
  { status: 'PICKED', failed_reason: 'no' },
  { status: 'server_error' },
])('FINDINGS U6: %j is a failure', (task) => {
  expect(parseTaskState(task).type).toBe('failed')
})

test.each([{ status: 1 }, { status: 'PICKED' }, { status: 'PENDING', failure_reason: '' }])(
  'FINDINGS U6: %j is none',
  (task) => expect(parseTaskState(task).type).toBe('pending'),
)
