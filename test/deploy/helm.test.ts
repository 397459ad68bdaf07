import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { parseConfig } from '../../src/config.ts'
import { image, readProjectFile, unknownSettings } from '../support/deployment.ts'
import { parseYaml, parseYamlDocuments } from '../support/parse-yaml.ts'

const texts = z.record(z.string(), z.string())
const values = z
  .looseObject({
    image: z.object({ repository: z.string(), tag: z.string() }),
    settings: texts,
    secrets: texts,
    resources: z.unknown(),
  })
  .parse(parseYaml(readProjectFile('deploy/helm/values.yaml')))
const folder = 'deploy/helm/templates'
const templates = readdirSync(join(import.meta.dirname, '../..', folder)).map((name) =>
  readProjectFile(`${folder}/${name}`),
)
const manifests = parseYamlDocuments(readProjectFile('deploy/kubernetes.yaml'))

test('the chart holds the same objects as the manifests', () => {
  const kinds = templates.map((text) => /^kind: (\w+)$/m.exec(text)?.[1])
  expect(kinds.toSorted()).toEqual(manifests.map(({ kind }) => kind).toSorted())
})

test('the chart runs the same image with the same settings and bounds', () => {
  expect(`${values.image.repository}:${values.image.tag}`).toBe(`${image.name}:main`)
  expect(manifests.find(({ kind }) => kind === 'ConfigMap')?.data).toEqual(values.settings)
  expect(unknownSettings([...Object.keys(values.settings), ...Object.keys(values.secrets)])).toEqual([])
  expect(parseConfig(values.settings).port).toBe(image.port)
  expect(readProjectFile('deploy/kubernetes.yaml')).toContain('limits: { memory: 1536Mi }')
  expect(values.resources).toMatchObject({ limits: { memory: '1536Mi' } })
})

test('the templates close what they open, and use only values that are there', () => {
  for (const text of templates) {
    const actions = [...text.matchAll(/\{\{-? *(if|range|end)\b/g)].map(([, word]) => word)
    const ends = actions.filter((word) => word === 'end').length
    expect(actions.length - ends).toBe(ends)
    expect(text.replaceAll(/\{\{.*?\}\}/g, '')).not.toMatch(/\{\{|\}\}|OWNER/)
    for (const [, path = ''] of text.matchAll(/\.Values\.([\w.]+)/g)) {
      const value = path.split('.').reduce<unknown>((part, key) => z.looseObject({}).parse(part)[key], values)
      expect(value, path).toBeDefined()
    }
  }
})
