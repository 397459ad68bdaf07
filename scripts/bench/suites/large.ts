import { randomBytes } from 'node:crypto'
import { encodePlan } from '../answer-plan.ts'
import { type Bench, roundsOf, type Suite } from '../bench.ts'
import { serial } from '../load.ts'
import { model } from '../subjects.ts'

export const large: Suite = {
  name: 'large',
  about: 'A history of 100 KB with usage and without; a picture of 10 MB in; an answer of 1 MB out: CPU.',
  async run(bench) {
    await measureHistory(bench)
    await measurePicture(bench)
    await measureAnswer(bench)
  },
}

async function measureHistory(bench: Bench): Promise<void> {
  const plan = { tokens: 50, burst: true }
  await bench.rounds({ subjects: bench.targets, count: roundsOf(bench, 4) }, async (subject, round) => {
    const cost = async (kind: HistoryKind, usage: boolean, requests = 60) => {
      const body = JSON.stringify({
        model,
        stream: true,
        ...(usage ? { stream_options: { include_usage: true } } : {}),
        messages: [...history(kind), { role: 'user', content: encodePlan(plan) }],
      })
      const load = await subject.load(plan, { connections: 2, requests, body })
      return load.cpuMs / load.answers
    }
    if (round === 0) for (const usage of [false, true]) await cost('growing', usage, 20)
    const without = await cost('growing', false)
    const growing = await cost('growing', true)
    const unseen = await cost('unseen', true)
    bench.record('100 KB history, CPU without usage, ms', subject.name, without)
    bench.record('100 KB history, CPU with usage, ms', subject.name, growing)
    bench.record('100 KB history, CPU with usage : without', subject.name, growing / without)
    bench.record('100 KB never seen before, CPU with usage : without', subject.name, unseen / without)
  })
}

/** growing: a conversation that goes on, so that all but the last turn was there before. unseen: every turn is new. */
type HistoryKind = 'growing' | 'unseen'

const turns = 50

function history(kind: HistoryKind): readonly object[] {
  return Array.from({ length: turns }, (_, turn) => {
    const text = texts[turn % texts.length] as string
    const varies = kind === 'unseen' || turn === turns - 1
    return {
      role: turn % 2 === 0 ? 'user' : 'assistant',
      content: `${varies ? serial : turn} ${text.repeat(Math.ceil(2000 / Buffer.byteLength(text)))}`,
    }
  })
}

const texts = [
  'The function reads the file line by line and keeps what it has not yet understood for the next turn. ',
  'export const total = (rows: readonly Row[]): number => rows.reduce((sum, { count }) => sum + count, 0)\n',
  '{"id":"7c9e6679","status":"done","lines":[{"at":12,"text":"const a = 1"}],"next":null}\n',
  '这个函数逐行读取文件，并把尚未理解的内容留到下一轮处理。',
]

async function measurePicture(bench: Bench): Promise<void> {
  const plan = { tokens: 3, burst: true }
  const pngHead = Buffer.from('89504e470d0a1a0a0000000d49484452000004000000040008020000', 'hex')
  const picture = Buffer.concat([pngHead, randomBytes(10 * 1024 * 1024)]).toString('base64')
  const body = JSON.stringify({
    model,
    messages: [
      {
        role: 'user',
        content: [
          { type: 'image_url', image_url: { url: `data:image/png;base64,${picture}` } },
          { type: 'text', text: encodePlan(plan) },
        ],
      },
    ],
  })
  const subjects = [bench.bareKoa, ...bench.targets]
  await bench.rounds({ subjects, count: roundsOf(bench, 4) }, async (subject, round) => {
    if (round === 0) await subject.load(plan, { requests: 3, body })
    const load = await subject.load(plan, { requests: 8, body })
    bench.record('10 MB picture in, CPU, ms', subject.name, load.cpuMs / load.answers)
    bench.record('10 MB picture in, RSS, MB', subject.name, load.peakRssMb)
  })
}

async function measureAnswer(bench: Bench): Promise<void> {
  const bytes = 64
  const plan = { tokens: 2 ** 20 / bytes, bytes, burst: true }
  const subjects = [bench.bareKoa, ...bench.targets]
  await bench.rounds({ subjects, count: roundsOf(bench, 4) }, async (subject, round) => {
    for (const stream of [false, true]) {
      if (round === 0) await subject.load(plan, { requests: 3 }, { stream })
      const load = await subject.load(plan, { requests: 10 }, { stream })
      const figure = stream ? '1 MB answer out in a stream, CPU, ms' : '1 MB answer out, CPU, ms'
      bench.record(figure, subject.name, load.cpuMs / load.answers)
    }
  })
}
