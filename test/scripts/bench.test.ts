import { describe, expect, test } from 'vitest'
import { encodePlan, parsePlan, tokenMark, tokenText } from '../../scripts/bench/answer-plan.ts'
import { drawPlot } from '../../scripts/bench/draw-plot.ts'
import { goals, markGoal } from '../../scripts/bench/goals.ts'
import { parseOptions, UsageError } from '../../scripts/bench/options.ts'
import { createMessageReader } from '../../scripts/bench/read-http.ts'
import { translate } from '../../scripts/bench/references/translate.ts'
import { type BenchReport, encodeReport, formatNumber, judge, ratio } from '../../scripts/bench/report.ts'
import { growthPercent } from '../../scripts/bench/suites/soak.ts'
import { suites } from '../../scripts/bench/suites.ts'
import { median, quantile } from '../../scripts/lib/statistics.ts'

describe('statistics', () => {
  test('takes the value below which the share of the samples lies, in whatever order they came', () => {
    expect(median([5, 1, 3])).toBe(3)
    expect(median([4, 1, 3, 2])).toBe(2)
    expect(quantile([30, 10, 20], 0)).toBe(10)
    expect(quantile([30, 10, 20], 1)).toBe(30)
  })

  test('compares numbers as numbers, and has nothing to say of none', () => {
    expect(median([9, 10, 100])).toBe(10)
    expect(median([])).toBeNaN()
  })

  test('finds how much a line through the points grows, and does not take one outlier for growth', () => {
    const points = (values: readonly number[]) => values.map((y, x) => ({ x, y }))
    expect(growthPercent(points([100, 105, 110]))).toBeCloseTo(10)
    expect(growthPercent(points([100, 100, 130, 100, 100]))).toBeCloseTo(0)
  })
})

describe('the options', () => {
  const known = ['small', 'stream', 'soak']
  const quick = ['small', 'stream']
  const parse = (...args: string[]) => parseOptions(args, known, quick)

  test('runs the quick suites by itself, the named ones in their own order, or all', () => {
    expect(parse().suites).toEqual(['small', 'stream'])
    expect(parse('soak', 'small').suites).toEqual(['small', 'soak'])
    expect(parse('all').suites).toEqual(known)
  })

  test('measures this checkout unless others are named, each by its own name or that of its folder', () => {
    expect(parse().targets).toEqual([{ name: 'this', folder: expect.stringMatching(/^\//) }])
    expect(parse('--target', 'before=/a/old', '--target', '/a/new/').targets).toEqual([
      { name: 'before', folder: '/a/old' },
      { name: 'new', folder: '/a/new' },
    ])
  })

  test('takes numbers and switches', () => {
    expect(parse('--rounds', '3', '--requests', '500', '--streams', '5000', '--write')).toMatchObject({
      rounds: 3,
      requests: 500,
      streams: 5000,
      write: true,
    })
    expect(parse()).toMatchObject({ rounds: undefined, requests: 200_000, streams: 3000, write: false })
  })

  test.each([['nosuch'], ['--nosuch'], ['--rounds', '0'], ['--rounds', 'many']])(
    'refuses %s %s',
    (...args) => {
      expect(() => parse(...args)).toThrow(UsageError)
    },
  )
})

describe('the goals', () => {
  test('marks what reaches the aim, what reaches the bound and what misses it, in either direction', () => {
    const atMost = { suite: 's', figure: 'f', wanted: 'at most', must: 1.3, aim: 1.1 } as const
    expect([1.1, 1.2, 1.31].map((value) => markGoal(atMost, value))).toEqual(['aim', 'must', 'missed'])
    const atLeast = { ...atMost, wanted: 'at least', must: 0.5, aim: 0.75 } as const
    expect([0.75, 0.5, 0.49].map((value) => markGoal(atLeast, value))).toEqual(['aim', 'must', 'missed'])
  })

  test('names only suites that there are, and asks no more of the bound than of the aim', () => {
    const names = suites.map(({ name }) => name)
    for (const goal of goals) {
      expect(names).toContain(goal.suite)
      expect(goal.wanted === 'at most' ? goal.aim <= goal.must : goal.aim >= goal.must).toBe(true)
    }
  })
})

describe('the report', () => {
  const report: BenchReport = {
    date: '2026-01-01',
    machine: { cpu: 'A CPU', cores: 2, node: 'v24.0.0', os: 'linux', loadBefore: 0.5 },
    versions: { this: 'abc' },
    targets: ['this'],
    ceiling: { 'requests/s': 40_000 },
    figures: [
      {
        suite: 'small',
        name: 'C=32, requests/s',
        values: { translator: [1000, 2000, 4000], Portkey: [100, 100, 100], this: [900, 1000, 1000] },
      },
      { suite: 'idle', name: 'RSS, MB', values: { this: [130] } },
    ],
    failures: [],
  }

  test('divides within a round, then takes the median', () => {
    const [figure] = report.figures
    expect(figure && ratio(figure, 'this', 'translator')).toBe(0.5)
  })

  test('gives no ratio to what is not above zero', () => {
    const figure = { suite: 's', name: 'f', values: { translator: [-1, 2], this: [3, 4] } }
    expect(ratio(figure, 'this', 'translator')).toBe(2)
  })

  test('judges each goal that was measured', () => {
    const verdicts = judge(report).map(({ goal, value, mark }) => [goal.figure, goal.against, value, mark])
    expect(verdicts).toEqual([
      ['C=32, requests/s', 'translator', 0.5, 'must'],
      ['C=32, requests/s', 'Portkey', 10, 'aim'],
      ['RSS, MB', undefined, 130, 'missed'],
    ])
  })

  test('is a table of goals and one of figures', () => {
    const lines = encodeReport(report)
      .split('\n')
      .map((line) => line.replace(/ +/g, ' '))
    expect(lines).toContain(
      '| small | C=32, requests/s | translator | at least 0.50 | at least 0.75 | 0.50 must |',
    )
    expect(lines).toContain('| small | C=32, requests/s | 2,000 | 100 (0.050) | 1,000 (0.50) |')
    expect(lines).toContain('| idle | RSS, MB | - | - | 130 |')
  })

  test('is a plot with a bar a goal', () => {
    expect(drawPlot(report).match(/fill="#(2e7d32|f9a825|c62828)"/g)).toHaveLength(3)
  })

  test('writes numbers with as many digits as they bear', () => {
    const texts = [12_345.6, 100, 99.94, 1.204, 0.0567, 0, Number.NaN, Number.POSITIVE_INFINITY].map(
      formatNumber,
    )
    expect(texts).toEqual(['12,346', '100', '99.9', '1.20', '0.057', '0', '-', 'never'])
  })
})

describe('the wire of the bench', () => {
  test('a plan passes through a prompt unchanged', () => {
    const plan = { tokens: 50, rate: 10, bytes: 64, burst: true }
    expect(parsePlan(`{"content": "${encodePlan(plan)}"}`)).toEqual(plan)
    expect(parsePlan('no plan')).toBeUndefined()
  })

  test('a token has its mark once, and its length', () => {
    for (const bytes of [6, 64]) {
      const text = tokenText(bytes)
      expect(text).toHaveLength(bytes)
      expect(text.split(tokenMark)).toHaveLength(2)
    }
  })

  test('messages are read alike in whatever pieces they come', () => {
    const chunked =
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n'
    const counted = 'HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nhello'
    const empty = 'HTTP/1.1 204 No Content\r\n\r\n'
    const bytes = Buffer.from(chunked + counted + empty)
    for (let size = 1; size <= bytes.length; size += 1) {
      const seen: string[] = []
      let body = ''
      const read = createMessageReader({
        head: (text) => void seen.push(text.slice(9, 12)),
        body: (piece) => {
          body += piece
        },
        end() {
          seen.push(body)
          body = ''
        },
      })
      for (let at = 0; at < bytes.length; at += size) read(bytes.subarray(at, at + size))
      expect(seen).toEqual(['200', 'abc0123456789', '404', 'hello', '204', ''])
    }
  })

  test('a reference translates a stream and a whole answer', () => {
    const event = (delta: string) =>
      `data: {"message_id": "M", "field_name": "content", "delta": "${delta}", "type": "message_field_delta"}\n\n`
    const ask = (stream: boolean) =>
      translate(
        Buffer.from(JSON.stringify({ model: 'm', stream, messages: [{ role: 'user', content: 'Hi' }] })),
      )
    const pieces = [event('Hel') + event('lo').slice(0, 9), event('lo').slice(9)].map((text) =>
      Buffer.from(text),
    )

    const streamed = ask(true)
    const sent = pieces.map((piece) => streamed.push(piece)).join('') + streamed.end()
    expect(sent.match(/"content":"\w+"/g)).toEqual(['"content":"Hel"', '"content":"lo"'])
    expect(sent).toMatch(/"finish_reason":"stop"\}\]\}\n\ndata: \[DONE\]\n\n$/)

    const whole = ask(false)
    for (const piece of pieces) expect(whole.push(piece)).toBe('')
    expect(JSON.parse(whole.end())).toMatchObject({ choices: [{ message: { content: 'Hello' } }] })
    expect(JSON.parse(whole.upstreamBody)).toMatchObject({
      ai_chat_model: 'm',
      messages: [{ content: 'Hi' }],
    })
  })
})
