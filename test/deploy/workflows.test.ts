import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { readProjectFile } from '../support/deployment.ts'
import { parseYaml } from '../support/parse-yaml.ts'

const root = join(import.meta.dirname, '../..')
const files = readdirSync(join(root, '.github/workflows')).sort()
const read = (name: string) => readProjectFile(`.github/workflows/${name}`)

const permissions = z.record(z.string(), z.enum(['read', 'write', 'none']))
const workflowSchema = z.looseObject({
  permissions,
  concurrency: z.looseObject({ group: z.string() }),
  jobs: z.record(
    z.string(),
    z.looseObject({
      permissions: permissions.optional(),
      uses: z.string().optional(),
      'timeout-minutes': z.number().optional(),
      steps: z.array(z.looseObject({ uses: z.string().optional(), with: z.unknown().optional() })).optional(),
    }),
  ),
})
const parse = (name: string) => workflowSchema.parse(parseYaml(read(name)))

test('there is a workflow to test, one for the image, one for main and one to release', () => {
  expect(files).toEqual(['ci.yml', 'image.yml', 'main.yml', 'release.yml'])
})

describe.each(files)('%s', (name) => {
  test('pins every action to a commit and names its version', () => {
    const uses = [...read(name).matchAll(/\buses: (.+)$/gm)].map(([, text = '']) => text)
    expect(uses.length).toBeGreaterThan(0)
    for (const text of uses.filter((text) => !text.startsWith('./'))) {
      expect(text).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/)
    }
    const own = uses.filter((text) => text.startsWith('./'))
    expect(own.filter((text) => !existsSync(join(root, text)))).toEqual([])
  })

  test('may read the repository and nothing else, but where a job says so', () => {
    expect(parse(name).permissions).toEqual({ contents: 'read' })
  })

  test('gives every job that runs somewhere a time limit', () => {
    const unlimited = Object.entries(parse(name).jobs).filter(
      ([, job]) => !job.uses && !job['timeout-minutes'],
    )
    expect(unlimited.map(([id]) => id)).toEqual([])
  })

  test('leaves no credentials in a checkout', () => {
    const steps = Object.values(parse(name).jobs).flatMap((job) => job.steps ?? [])
    for (const step of steps.filter(({ uses }) => uses?.startsWith('actions/checkout@'))) {
      expect(step.with).toEqual({ 'persist-credentials': false })
    }
  })
})

test('an action is pinned to one commit in all of them', () => {
  const uses = files.flatMap((name) => read(name).match(/(?<=\buses: )[\w-]+\/[\w-]+@\S+/g) ?? [])
  const pins = new Set(uses)
  expect(new Set([...pins].map((pin) => pin.split('@')[0])).size).toBe(pins.size)
})

test('workflows that call each other do not wait for each other', () => {
  const groups = files.map((name) => parse(name).concurrency.group)
  expect(new Set(groups).size).toBe(groups.length)
})

test('only what pushes images may write packages, and only the release may write contents', () => {
  const writers = files.flatMap((name) =>
    Object.entries(parse(name).jobs).flatMap(([id, job]) =>
      Object.entries(job.permissions ?? {})
        .filter(([, access]) => access === 'write')
        .map(([scope]) => `${name} ${id} ${scope}`),
    ),
  )
  expect(writers).toEqual([
    'image.yml build packages',
    'image.yml publish packages',
    'image.yml publish id-token',
    'image.yml publish attestations',
    'main.yml image packages',
    'main.yml image id-token',
    'main.yml image attestations',
    'release.yml image packages',
    'release.yml image id-token',
    'release.yml image attestations',
    'release.yml release contents',
  ])
})

test('the scripts that the workflows run are there', () => {
  const scripts = files.flatMap(
    (name) => read(name).match(/(?<!\w)(?:\.\/)?scripts\/[\w-]+\.(?:sh|ts)/g) ?? [],
  )
  expect(scripts).toContain('./scripts/test.sh')
  expect(scripts.filter((path) => !existsSync(join(root, path)))).toEqual([])
})

test('FINDINGS S11: the image of main is published after the tests alone, and anew each week', () => {
  const main = z
    .looseObject({ on: z.looseObject({ schedule: z.array(z.object({ cron: z.string() })) }) })
    .parse(parseYaml(read('main.yml')))
  expect(main.on.schedule).toHaveLength(1)
  const { test: tests, image } = parse('main.yml').jobs
  expect(tests?.uses).toBe('./.github/workflows/ci.yml')
  expect(image).toMatchObject({ needs: 'test', uses: './.github/workflows/image.yml' })
  // Neither publishes by itself.
  for (const name of ['ci.yml', 'image.yml'])
    expect(Object.keys(z.looseObject({ on: z.looseObject({}) }).parse(parseYaml(read(name))).on)).toEqual([
      'pull_request',
      'workflow_call',
    ])
})

test('FINDINGS S11: an image has an SBOM and a signed provenance', () => {
  const steps = parse('image.yml').jobs.publish?.steps ?? []
  const uses = steps.map(({ uses }) => uses?.split('@')[0])
  expect(uses).toEqual(
    expect.arrayContaining(['anchore/sbom-action', 'actions/attest-build-provenance', 'actions/attest']),
  )
})

test('FINDINGS S11: newer actions, npm packages and base images are told', () => {
  const { updates } = z
    .looseObject({ updates: z.array(z.looseObject({ 'package-ecosystem': z.string() })) })
    .parse(parseYaml(readProjectFile('.github/dependabot.yml')))
  expect(updates.map((each) => each['package-ecosystem'])).toEqual([
    'github-actions',
    'npm',
    'docker',
    'docker-compose',
  ])
})
