import { expect, test } from 'vitest'
import { z } from 'zod'
import { parseConfig } from '../../src/config.ts'
import {
  defaultGraceSeconds,
  image,
  isProbe,
  readProjectFile,
  unknownSettings,
} from '../support/deployment.ts'
import { parseYaml } from '../support/parse-yaml.ts'

const blueprintSchema = z.object({
  services: z.tuple([
    z.looseObject({
      healthCheckPath: z.string(),
      maxShutdownDelaySeconds: z.number().max(300),
      envVars: z.array(
        z.union([
          z.strictObject({ key: z.string(), value: z.string() }),
          z.strictObject({ key: z.string(), sync: z.literal(false) }),
          z.strictObject({ key: z.string(), generateValue: z.literal(true) }),
        ]),
      ),
    }),
  ]),
})
const [service] = blueprintSchema.parse(parseYaml(readProjectFile('render.yaml'))).services
const values = Object.fromEntries(
  service.envVars.flatMap((variable) => ('value' in variable ? [[variable.key, variable.value]] : [])),
)

test('the blueprint builds the Dockerfile and mounts a disk where the image keeps its state', () => {
  expect(service).toMatchObject({ type: 'web', runtime: 'docker', disk: { mountPath: image.volume } })
})

test('every variable of the blueprint is a setting, with a value that the service takes', () => {
  expect(unknownSettings(service.envVars.map(({ key }) => key))).toEqual([])
  expect(parseConfig(values).port).toBe(image.port)
})

test('the blueprint holds no secret: Render makes the key and asks for the rest', () => {
  expect(service.envVars).toContainEqual({ key: 'API_SECRET', generateValue: true })
  expect(service.envVars).toContainEqual({ key: 'GS_COOKIE', sync: false })
  expect(service.envVars).toContainEqual({ key: 'PROXY_URL', sync: false })
})

test('Render asks a probe for health and waits longer than the grace', () => {
  expect(isProbe(service.healthCheckPath)).toBe(true)
  expect(service.maxShutdownDelaySeconds).toBeGreaterThan(defaultGraceSeconds)
  expect(parseConfig(values).shutdownGraceMs).toBe(defaultGraceSeconds * 1000)
})
