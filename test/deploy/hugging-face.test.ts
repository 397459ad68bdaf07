import { expect, test } from 'vitest'
import { parseConfig } from '../../src/config.ts'
import { readProjectFile, unknownSettings } from '../support/deployment.ts'
import { parseYaml } from '../support/parse-yaml.ts'

const [, head = ''] = /^---\n(.+?)^---\n/ms.exec(readProjectFile('deploy/hugging-face/README.md')) ?? []
const dockerfile = readProjectFile('deploy/hugging-face/Dockerfile')
const [, pairs = ''] = /^ENV (.+)$/m.exec(dockerfile) ?? []
const environment = Object.fromEntries(pairs.split(' ').map((pair) => pair.split('=')))

test('the Space listens where its head says', () => {
  expect(parseYaml(head)).toMatchObject({ sdk: 'docker', app_port: 7860 })
  expect(unknownSettings(Object.keys(environment))).toEqual([])
  expect(parseConfig(environment)).toMatchObject({ port: 7860, routePrefix: '/hf' })
  expect(dockerfile).toMatch(/^EXPOSE 7860$/m)
})

test('the page asks under the prefix of the Space', () => {
  const page = readProjectFile('docs/deploy/hugging-face.md')
  expect(page).toContain('https://YOU-SPACE.hf.space/hf/v1/models')
})
