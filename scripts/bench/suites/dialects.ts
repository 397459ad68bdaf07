import { encodePlan } from '../answer-plan.ts'
import { roundsOf, type Suite } from '../bench.ts'
import { model } from '../subjects.ts'

const dense = { tokens: 2000, burst: true }
const paced = { tokens: 100, rate: 50 }

interface Kind {
  readonly path: string
  readonly body: (prompt: string) => object
  /** How often an answer tells its text: the Responses API repeats it in its closing events. */
  readonly tellings?: number
}

const functions = ['read', 'write', 'search', 'run'].map((name) => ({
  type: 'function',
  function: { name, description: `Does ${name}`, parameters: { type: 'object', properties: {} } },
}))
const chat = (more: object): Kind => ({
  path: '/v1/chat/completions',
  body: (prompt) => ({ model, stream: true, messages: [{ role: 'user', content: prompt }], ...more }),
})
const responses = (more: object): Kind => ({
  path: '/v1/responses',
  body: (prompt) => ({ model, stream: true, input: prompt, ...more }),
  tellings: 5,
})
const plain = chat({})
const kinds: Readonly<Record<string, Kind>> = {
  'plain chat': plain,
  'chat, usage': chat({ stream_options: { include_usage: true } }),
  'chat, tools offered': chat({ tools: functions }),
  'chat, stop': chat({ stop: ['word and word', 'END'] }),
  'chat, far max_tokens': chat({ max_tokens: 1_000_000 }),
  // Fewer than the bytes of the answer: it has to be counted on the way.
  'chat, near max_tokens': chat({ max_tokens: dense.tokens * 3 }),
  'responses, not stored': responses({ store: false }),
  responses: responses({}),
  messages: {
    path: '/v1/messages',
    body: (prompt) => ({
      model,
      stream: true,
      max_tokens: 64_000,
      messages: [{ role: 'user', content: prompt }],
    }),
  },
}

export const dialects: Suite = {
  name: 'dialects',
  about:
    'CPU of each dialect and stage against plain chat: 2,000 tokens at once, and 50 streams at 50 tokens a second.',
  async run(bench) {
    await bench.rounds({ subjects: bench.targets, count: roundsOf(bench, 2) }, async (subject, round) => {
      const { origin } = new URL(subject.url)
      const cost = async (kind: Kind, pace: 'dense' | 'paced', requests = 40) => {
        const plan = pace === 'dense' ? dense : paced
        const load = await subject.load(plan, {
          url: origin + kind.path,
          body: JSON.stringify(kind.body(encodePlan(plan))),
          tokens: plan.tokens * (kind.tellings ?? 1),
          ...(pace === 'dense' ? { requests } : { streams: 50, overMs: 500 }),
        })
        return load.cpuMs / load.answers
      }
      const all = Object.entries(kinds)
      if (round === 0) for (const [, kind] of all) await cost(kind, 'dense', 15)
      for (const pace of ['dense', 'paced'] as const) {
        if (round === 0) await cost(plain, pace)
        const costs = new Map<string, number>()
        // Each round begins with another one.
        for (let step = 0; step < all.length; step += 1) {
          const [name, kind] = all[(step + round * 3) % all.length] as [string, Kind]
          costs.set(name, await cost(kind, pace))
        }
        const plainCost = costs.get('plain chat') ?? Number.NaN
        bench.record(`${pace}, plain chat, CPU a stream, ms`, subject.name, plainCost)
        for (const [name] of all.slice(1))
          bench.record(`${pace}, ${name}, CPU : plain chat`, subject.name, (costs.get(name) ?? 0) / plainCost)
      }
    })
  },
}
