import { expect, test } from 'vitest'
import { findTasks, parseTaskState } from '../../../src/upstream/media/tasks.ts'

const idsIn = (value: unknown) => [...findTasks(value)].map(({ id }) => id)

test('the JSON string of gen 1, in whatever field it stands', () => {
  const content = '{"generated_images": [{"task_id": "t-1"}, {"task_id": "t-2"}]}'
  expect(idsIn({ id: 'b', content, type: 'message_result' })).toEqual(['t-1', 't-2'])
  expect(
    idsIn({ message_id: 'b', field_name: 'content', field_value: content, type: 'message_field' }),
  ).toEqual(['t-1', 't-2'])
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
  ['words about a task_id', 'the task_id is {"task_id": "a"}', []],
  ['broken JSON', '{"task_id": "a"', []],
  ['null', null, []],
])('%s', (_what, value, ids) => {
  expect(idsIn(value)).toEqual(ids)
  expect(idsIn({ field_value: value })).toEqual(ids)
})

test('what is nested without end is left', () => {
  let value: unknown = { task_id: 'deep' }
  for (let depth = 0; depth < 10_000; depth += 1) value = [value]
  expect(idsIn(value)).toEqual([])
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
