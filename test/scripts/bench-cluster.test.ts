import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { type BenchReport, measuresOf } from '../../scripts/bench/cluster/bench-report.ts'
import { drawChart } from '../../scripts/bench/cluster/draw-chart.ts'
import { countDoubleUses, openLedger, readLedger, type Use } from '../../scripts/bench/cluster/ledger.ts'
import { withReport } from '../../scripts/bench/cluster/write-docs.ts'

const root = join(import.meta.dirname, '../..')

describe('the ledger', () => {
  const use = (account: number, beganMs: number, endedMs?: number): Use => ({
    account,
    askedMs: beganMs,
    beganMs,
    endedMs,
  })

  test('finds no double use where each use begins after the one before it ended', () => {
    expect(countDoubleUses([use(1, 0, 10), use(1, 10, 20), use(2, 5, 15)], 1000)).toBe(0)
  })

  test('finds every use that began within another one, in whatever order they were written', () => {
    expect(countDoubleUses([use(1, 20, 30), use(1, 5, 8), use(1, 0, 100), use(2, 1, 2)], 1000)).toBe(2)
  })

  test('counts what a kill cut off as in use until its lease lapses', () => {
    expect(countDoubleUses([use(1, 0), use(1, 900, 910)], 1000)).toBe(1)
    expect(countDoubleUses([use(1, 0), use(1, 1000, 1010)], 1000)).toBe(0)
  })

  test('reads back what was written, cut off or whole', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ledger-'))
    const path = join(folder, 'ledger')
    const ledger = openLedger(path)
    ledger.begin({ id: 1, account: 7, askedMs: 3 })
    ledger.begin({ id: 2, account: 8, askedMs: 4 })
    ledger.end(1)
    ledger.close()
    const uses = readLedger(path)
    await rm(folder, { recursive: true })

    expect(uses).toEqual([
      { account: 7, askedMs: 3, beganMs: expect.any(Number), endedMs: expect.any(Number) },
      { account: 8, askedMs: 4, beganMs: expect.any(Number), endedMs: undefined },
    ])
  })
})

describe('the simulation of many replicas', () => {
  let report: BenchReport
  beforeAll(async () => {
    const args = ['scripts/bench/cluster/main.ts', '--quick', '--json']
    report = JSON.parse((await promisify(execFile)(process.execPath, args, { cwd: root })).stdout)
  }, 120_000)

  test('uses no account twice at once, and has leased some in every run', () => {
    for (const { check, leasesPerSecond } of measuresOf(report)) {
      expect(check).toMatchObject({ doubleUses: 0, lost: 0, failures: {} })
      expect(leasesPerSecond).toBeGreaterThan(0)
    }
  })

  test('ends every lease, by its release or by itself when its holder was killed', () => {
    for (const { check } of measuresOf(report)) {
      expect(check.releases + check.cutOff).toBe(check.leases)
      expect(check.leftInFlight).toBe(0)
    }
    expect(report.deaths.killedReplicas).toBe(5)
    expect(report.deaths.check.cutOff).toBeGreaterThan(0)
    expect(report.deaths.back.accounts).toBeGreaterThan(0)
  })

  test('is reported with a figure in every cell, in both languages', () => {
    for (const language of ['en', 'zh'] as const) {
      const text = withReport('Before.\n<!-- measured -->\nold\n<!-- /measured -->\nAfter.', report, language)
      expect(text).toMatch(/^Before\.\n<!-- measured -->\n.+\n<!-- \/measured -->\nAfter\.$/s)
      expect(text).not.toMatch(/\bold\b|NaN|Infinity|undefined|null/)
      const rows = text.split('\n').filter((line) => /^\| [\d.,]+ \|/.test(line))
      expect(rows.length).toBe(2 + 2 + 3 + 1)
      for (const row of rows) expect(row).toMatch(/^\|( [\d.,]+( %| s)? \|)+$/)
    }
  })

  test('is drawn without a place that is no number', () => {
    const chart = drawChart(report, 'en')
    expect(chart.match(/<polyline/g)).toHaveLength(6)
    expect(chart).not.toMatch(/NaN|Infinity|undefined/)
  })
})

describe('docs/SCALING.md and its Chinese twin', () => {
  const docs = new URL('../../docs/', import.meta.url)
  const english = readFileSync(new URL('SCALING.md', docs), 'utf8')
  const chinese = readFileSync(new URL('SCALING.zh-CN.md', docs), 'utf8')

  test('have the same sections, tables and commands', () => {
    for (const pattern of [/^##+ /gm, /^\|[-:| ]+\|$/gm, /^(\.\/|docker).+$/gm])
      expect(chinese.match(pattern)?.length).toBe(english.match(pattern)?.length)
  })

  test('report a whole run in which no account was used twice, and show its charts', () => {
    expect(english).toContain('(full run, ')
    expect(english).toContain(' 0 double uses')
    expect(chinese).toContain('（完整模式，')
    expect(chinese).toContain('重复使用 0 次')
    for (const text of [english, chinese]) {
      const chart = /^!\[.+\]\((scaling\S*\.svg)\)$/m.exec(text)?.[1] ?? ''
      expect(readFileSync(new URL(chart, docs), 'utf8')).toContain('prefers-color-scheme: dark')
    }
  })

  test('name files that are there', () => {
    const links = [...`${english}\n${chinese}`.matchAll(/\]\(([^)#]+)/g)].map(([, link = '']) => link)
    expect(links.length).toBeGreaterThan(4)
    for (const link of links) expect(existsSync(new URL(link, docs)), link).toBe(true)
  })
})
