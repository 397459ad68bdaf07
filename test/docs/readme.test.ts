import { describe, expect, it } from 'vitest'
import { settings } from '../../src/config/settings.ts'
import { createCatalogue } from '../../src/models/catalogue.ts'
import { codeBlocks, readDocument, section } from './markdown.ts'

const readme = readDocument('README.md')
const dockerfile = readDocument('Dockerfile')
const known = new Set(Object.values(settings).map(({ name }) => name))
const port = settings.port.default

describe('the Docker commands of the README', () => {
  const commands = codeBlocks(readme, 'sh').filter((block) => block.startsWith('docker '))
  const all = commands.join('\n')
  const options = (pattern: RegExp) => [...all.matchAll(pattern)].map(([, value = '']) => value)

  it('are there', () => {
    expect(all).toContain('docker compose up -d')
    expect(all).toContain('docker run ')
  })

  it('publish the port that the image listens on', () => {
    expect(dockerfile).toContain(`EXPOSE ${port}`)
    expect(options(/-p (\S+)/g)).toEqual([`${port}:${port}`])
  })

  it('keep what the image keeps', () => {
    expect(dockerfile).toContain('VOLUME /app/data')
    expect(options(/-v (\S+)/g)).toEqual(['genspark2api-data:/app/data'])
  })

  it('set only what can be set', () => {
    const names = options(/-e (\w+)=/g)
    expect(names).toEqual(['GS_COOKIE', 'API_SECRET'])
    expect(names.filter((name) => !known.has(name))).toEqual([])
  })

  it('run the image that they build, and go into the container that they run', () => {
    const [image] = options(/docker build -t (\S+) \.$/gm)
    expect(all).toMatch(new RegExp(`docker run (?:.*\\\\\\n)*.* ${image}$`, 'm'))
    expect(options(/docker exec (\S+)/g)).toEqual(options(/--name (\S+)/g))
  })

  it('mean what the compose file says', () => {
    const compose = readDocument('docker-compose.yml')
    expect(options(/docker compose exec (\S+)/g)).toEqual(['genspark2api'])
    expect(compose).toMatch(/^ {2}genspark2api:$/m)
    expect(compose).toContain(`-${port}}:${port}`)
    expect(compose).toContain('path: .env')
  })
})

it('the file .env of the README can be read', () => {
  const names = [...section(readme, '### With Docker').matchAll(/^(\w+)=/gm)].map(([, name]) => name)
  expect(names).toEqual(['GS_COOKIE', 'API_SECRET'])
})

it('the README speaks of the port that is the default', () => {
  const ports = [...readme.matchAll(/localhost:(\d+)/g)].map(([, each]) => each)
  expect(ports.length).toBeGreaterThan(5)
  expect(new Set(ports)).toEqual(new Set([port]))
})

it('the models that the README names are offered', () => {
  const catalogue = createCatalogue()
  const rows = [...section(readme, '## Models').matchAll(/^\| (text|image|video) \| (.+) \|$/gm)]
  expect(rows.map(([, kind]) => kind)).toEqual(['text', 'image', 'video'])
  for (const [, kind, cell = ''] of rows) {
    const names = [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)
    expect(names.filter((name) => !catalogue.find(name) || catalogue.kindOf(name) !== kind)).toEqual([])
  }
})
