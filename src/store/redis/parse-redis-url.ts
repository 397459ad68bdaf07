/** Where Redis is and how to sign in; `single` also stands for what looks like one: a proxy, a managed service. */
export interface RedisTarget {
  readonly type: 'single' | 'sentinel' | 'cluster'
  /** Of the server, the sentinels or some nodes of the cluster; at least one. */
  readonly hosts: readonly RedisHost[]
  /** Of the group that the sentinels watch; absent for the other types. */
  readonly groupName?: string
  readonly db: number
  readonly tls: boolean
  readonly login: RedisLogin
  /** At the sentinels themselves. */
  readonly sentinelLogin: RedisLogin
}

export interface RedisHost {
  readonly host: string
  readonly port: number
}

export interface RedisLogin {
  readonly username?: string
  readonly password?: string
}

const types = { '': 'single', '+sentinel': 'sentinel', '+cluster': 'cluster' } as const
const pattern =
  /^redis(?<tls>s?)(?<kind>(?:\+(?:sentinel|cluster))?):\/\/(?:(?<login>[^/?#]*)@)?(?<hosts>[^/?#@]+)(?:\/(?<path>[^?#]*))?(?:\?(?<query>[^#]*))?$/i

/** Reads REDIS_URL:
 *
 *      redis://[user:password@]host[:6379][/db]
 *      redis+sentinel://[user:password@]host[:26379],...[/group[/db]][?sentinel_username=..&sentinel_password=..]
 *      redis+cluster://[user:password@]host[:6379],...
 *
 *  `rediss` in the place of `redis` is TLS. The group is `mymaster` unless named; user and password are percent-encoded.
 *  @throws {TypeError} that says what is wrong and shows nothing of the URL */
export function parseRedisUrl(url: string): RedisTarget {
  const parts = pattern.exec(url)?.groups
  if (!parts?.hosts) throw new TypeError('is no URL of Redis')
  const type = types[(parts.kind ?? '').toLowerCase() as keyof typeof types]
  const hosts = parts.hosts.split(',').map((host) => parseHost(host, type === 'sentinel' ? 26379 : 6379))
  if (type === 'single' && hosts.length > 1) throw new TypeError('has more than one host')
  const path = (parts.path ?? '').split('/').map(decode)
  const [groupName = '', db] = type === 'sentinel' ? path : [undefined, ...path]
  const query = new URLSearchParams(parts.query)
  return {
    type,
    hosts,
    ...(type === 'sentinel' && { groupName: groupName || 'mymaster' }),
    db: parseDb(db, type),
    tls: parts.tls !== '',
    login: parseLogin(parts.login),
    sentinelLogin: loginOf(query.get('sentinel_username'), query.get('sentinel_password')),
  }
}

function parseHost(text: string, defaultPort: number): RedisHost {
  const parts = /^(?:\[(?<v6>[0-9a-f:.]+)\]|(?<name>[^:[\]\s]+))(?::(?<port>\d{1,5}))?$/i.exec(text)?.groups
  const host = parts?.v6 ?? parts?.name
  const port = Number(parts?.port ?? defaultPort)
  if (!host || port < 1 || port > 65_535) throw new TypeError('has a host that cannot be read')
  return { host, port }
}

function parseDb(text: string | undefined, type: RedisTarget['type']): number {
  if (!text) return 0
  if (!/^\d{1,5}$/.test(text)) throw new TypeError('has a database that is no number')
  const db = Number(text)
  if (type === 'cluster' && db !== 0) throw new TypeError('names a database, and a cluster has none')
  return db
}

/** `user:password`, `:password`; a lone word is a user without a password. */
function parseLogin(text: string | undefined): RedisLogin {
  if (!text) return {}
  const colon = text.indexOf(':')
  if (colon < 0) return loginOf(decode(text), null)
  return loginOf(decode(text.slice(0, colon)), decode(text.slice(colon + 1)))
}

const loginOf = (username: string | null, password: string | null): RedisLogin => ({
  ...(username && { username }),
  ...(password && { password }),
})

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new TypeError('has a percent sign that encodes nothing')
  }
}
