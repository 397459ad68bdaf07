import { expect, test } from 'vitest'
import { z } from 'zod'
import { image, readProjectFile, unknownSettings } from '../support/deployment.ts'
import { parseYaml } from '../support/parse-yaml.ts'

const variables = z.array(z.object({ key: z.string(), type: z.enum(['DOMAIN', 'STRING']) }))
const templateSchema = z.object({
  apiVersion: z.literal('zeabur.com/v1'),
  kind: z.literal('Template'),
  spec: z.looseObject({
    variables,
    services: z.tuple([
      z.looseObject({
        template: z.literal('PREBUILT_V2'),
        domainKey: z.string(),
        spec: z.looseObject({ env: z.record(z.string(), z.looseObject({ default: z.string() })) }),
      }),
    ]),
  }),
  localization: z.record(z.string(), z.looseObject({ variables })),
})
const { spec, localization } = templateSchema.parse(parseYaml(readProjectFile('deploy/zeabur.yaml')))
const [{ domainKey, spec: service }] = spec.services

test('the template runs the image with its port and its volume', () => {
  expect(service).toMatchObject({
    source: { image: `${image.name}:main` },
    ports: [{ id: 'web', port: image.port, type: 'HTTP' }],
    volumes: [{ id: 'data', dir: image.volume }],
    env: { PORT: { default: String(image.port) } },
  })
})

test('every variable of the service is a setting', () => {
  expect(Object.keys(service.env)).toEqual(['PORT', 'API_SECRET', 'GS_COOKIE'])
  expect(unknownSettings(Object.keys(service.env))).toEqual([])
})

test('what the template asks for is used, and nothing else is', () => {
  const asked = spec.variables.map(({ key }) => key)
  const used = Object.values(service.env).flatMap((variable) =>
    [...variable.default.matchAll(/\$\{(\w+)\}/g)].map(([, name]) => name),
  )
  // PASSWORD is made by Zeabur itself.
  expect([domainKey, ...used].filter((name) => name !== 'PASSWORD').sort()).toEqual(asked.toSorted())
})

test('every language asks for the same', () => {
  for (const { variables } of Object.values(localization)) {
    expect(variables).toEqual(spec.variables.map(({ key, type }) => ({ key, type })))
  }
})
