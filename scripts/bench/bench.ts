import { type AnswerPlan, encodePlan } from './answer-plan.ts'
import type { LoadGenerator, LoadJob, LoadResult } from './load.ts'
import { cpuMsOf, rssMbOf } from './measure-process.ts'
import type { MockState } from './mock-site.ts'
import type { Options } from './options.ts'
import { askHeaders, askPath } from './references/translate.ts'
import type { Figure } from './report.ts'
import { chatBody, type Running, type Subject } from './subjects.ts'

export interface Suite {
  readonly name: string
  readonly about: string
  /** It runs when no suite is named. */
  readonly quick?: boolean
  readonly run: (bench: Bench) => Promise<void>
}

/** What a suite works with. */
export interface Bench {
  readonly options: Options
  readonly site: string
  readonly translator: Subject
  readonly bareKoa: Subject
  readonly portkey: Subject
  readonly targets: readonly Subject[]
  /** Starts the subjects, measures each in every round, each round beginning with another one, and ends them. */
  rounds(plan: RoundsPlan, measure: (subject: Measured, round: number) => Promise<void>): Promise<void>
  /** Asks the mock with nothing between. */
  direct(plan: AnswerPlan, job: Partial<LoadJob>): Promise<LoadResult>
  record(figure: string, subject: string, value: number): void
  state(): Promise<MockState>
  say(text: string): void
}

export interface RoundsPlan {
  readonly subjects: readonly Subject[]
  readonly count: number
  /** For the targets alone. */
  readonly env?: Readonly<Record<string, string>>
  /** Each is started anew for each of its rounds, and is alone then. */
  readonly fresh?: boolean
  /** They are not asked before they are measured. */
  readonly unasked?: boolean
}

export interface Measured extends Running {
  readonly subject: Subject
  readonly name: string
  /** Asks it, and takes its processor time meanwhile. Failures go to the report. */
  load(plan: AnswerPlan, job: Partial<LoadJob>, more?: object): Promise<Load>
}

export interface Load extends LoadResult {
  readonly cpuMs: number
  /** The most that was seen, twice a second. */
  readonly peakRssMb: number
}

interface Parts {
  readonly options: Options
  readonly site: string
  readonly generator: LoadGenerator
  readonly translator: Subject
  readonly bareKoa: Subject
  readonly portkey: Subject
  readonly targets: readonly Subject[]
  readonly say: (text: string) => void
}

export function createBench(suite: string, parts: Parts) {
  const { generator, options, site, say } = parts
  const figures = new Map<string, { suite: string; name: string; values: Record<string, number[]> }>()
  const failures: string[] = []

  const bench: Bench = {
    ...parts,
    async rounds({ subjects, count, env = {}, fresh = false, unasked = false }, measure) {
      const { profileFolder } = options
      const start = async (subject: Subject) =>
        measuredOf(
          subject,
          await subject.start({ site, env, unasked, ...(profileFolder ? { profileFolder } : {}) }),
        )
      const measured: Measured[] = []
      try {
        if (!fresh) for (const subject of subjects) measured.push(await start(subject))
        for (let round = 0; round < count; round += 1) {
          for (let step = 0; step < subjects.length; step += 1) {
            const index = (step + round) % subjects.length
            if (fresh) measured.push(await start(subjects[index] as Subject))
            await measure(measured[fresh ? 0 : index] as Measured, round)
            if (fresh) await measured.pop()?.stop()
          }
        }
      } finally {
        for (const { stop } of measured.reverse()) await stop()
      }
    },
    direct: (plan, job) =>
      generator.run({
        url: site + askPath,
        headers: askHeaders,
        body: chatBody(encodePlan(plan), {}),
        // The site tells the whole text twice more when it has told all pieces.
        tokens: plan.tokens * 3,
        ...job,
      }),
    record(name, subject, value) {
      const figure = figures.get(name) ?? { suite, name, values: {} }
      figures.set(name, figure)
      const values = figure.values[subject] ?? []
      figure.values[subject] = values
      values.push(value)
      say(`  ${name}: ${subject} ${value.toPrecision(4)}`)
    },
    async state() {
      return (await (await fetch(`${site}/bench/state`)).json()) as MockState
    },
  }

  function measuredOf(subject: Subject, running: Running): Measured {
    return {
      ...running,
      subject,
      name: subject.name,
      async load(plan, job, more = {}) {
        let peakRssMb = 0
        const look = async () => {
          peakRssMb = Math.max(peakRssMb, await rssMbOf(running.pid))
        }
        const looking = setInterval(() => void look(), 500)
        const cpuBefore = await cpuMsOf(running.pid)
        const result = await generator.run({
          url: running.url,
          headers: running.headers,
          body: chatBody(encodePlan(plan), more),
          tokens: plan.tokens,
          ...job,
        })
        const cpuMs = (await cpuMsOf(running.pid)) - cpuBefore
        clearInterval(looking)
        await look()
        if (result.failures > 0)
          failures.push(`${suite}, ${subject.name}: ${result.failures} failures: ${result.firstFailure}`)
        return { ...result, cpuMs, peakRssMb }
      },
    }
  }

  return {
    bench,
    figures: (): readonly Figure[] => [...figures.values()],
    failures: (): readonly string[] => failures,
  }
}

/** Rounds of a suite: what the command line says, or else its own number. */
export const roundsOf = ({ options }: Bench, own: number): number => options.rounds ?? own

export const everyone = ({ translator, bareKoa, portkey, targets }: Bench): readonly Subject[] => [
  translator,
  bareKoa,
  portkey,
  ...targets,
]
