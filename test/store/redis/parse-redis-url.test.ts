import { describe, expect, it } from 'vitest'
import { parseRedisUrl, type RedisTarget } from '../../../src/store/redis/parse-redis-url.ts'

const plain = { db: 0, tls: false, login: {}, sentinelLogin: {} } as const

describe('parseRedisUrl', () => {
  it.each<[string, RedisTarget]>([
    ['redis://localhost', { ...plain, type: 'single', hosts: [{ host: 'localhost', port: 6379 }] }],
    [
      'rediss://user:p%40ss%2F:word@redis.example:6380/3',
      {
        type: 'single',
        hosts: [{ host: 'redis.example', port: 6380 }],
        db: 3,
        tls: true,
        login: { username: 'user', password: 'p@ss/:word' },
        sentinelLogin: {},
      },
    ],
    [
      'redis://:word@[::1]:7000/',
      { ...plain, type: 'single', hosts: [{ host: '::1', port: 7000 }], login: { password: 'word' } },
    ],
    [
      'redis+sentinel://:word@s1,s2:26380/main/2?sentinel_username=watch&sentinel_password=a%26b',
      {
        type: 'sentinel',
        hosts: [
          { host: 's1', port: 26379 },
          { host: 's2', port: 26380 },
        ],
        groupName: 'main',
        db: 2,
        tls: false,
        login: { password: 'word' },
        sentinelLogin: { username: 'watch', password: 'a&b' },
      },
    ],
    [
      'redis+sentinel://s1',
      { ...plain, type: 'sentinel', hosts: [{ host: 's1', port: 26379 }], groupName: 'mymaster' },
    ],
    [
      'rediss+cluster://n1,n2:7001',
      {
        ...plain,
        type: 'cluster',
        tls: true,
        hosts: [
          { host: 'n1', port: 6379 },
          { host: 'n2', port: 7001 },
        ],
      },
    ],
  ])('reads %s', (url, target) => {
    expect(parseRedisUrl(url)).toEqual(target)
  })

  it.each([
    ['http://localhost', 'is no URL of Redis'],
    ['localhost:6379', 'is no URL of Redis'],
    ['redis://', 'is no URL of Redis'],
    ['redis://one,two', 'has more than one host'],
    ['redis://host:0', 'has a host that cannot be read'],
    ['redis://host:99999', 'has a host that cannot be read'],
    ['redis://host/abc', 'has a database that is no number'],
    ['redis+cluster://host/1', 'names a database, and a cluster has none'],
    ['redis://:secret%@host', 'has a percent sign that encodes nothing'],
  ])('refuses %s in words that tell nothing of it', (url, words) => {
    expect(() => parseRedisUrl(url)).toThrow(new TypeError(words))
  })
})
