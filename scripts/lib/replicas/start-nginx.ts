import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Child, startChild } from './child.ts'

export interface NginxOptions {
  /** On all addresses, unless `host` is given. */
  readonly port: number
  readonly host?: string
  /** `host:port` of each. */
  readonly replicas: readonly string[]
  readonly maxBodyMb: number
  /** A folder of its own, for its configuration and for large bodies. */
  readonly folder: string
  /** In front of what it writes; absent: it is not shown. */
  readonly name?: string
}

/** Starts nginx in front of the replicas. It listens as soon as it can: ask it whether it does. `end('SIGQUIT', …)` takes no
 *  more requests and lets those that it has end. */
export async function startNginx(options: NginxOptions): Promise<Child> {
  const { folder, name } = options
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'replicas.conf'), siteOf(options))
  const file = join(folder, 'nginx.conf')
  await writeFile(file, mainOf(folder))
  // Debian keeps it where only root looks.
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/usr/local/sbin` }
  return startChild('nginx', ['-c', file, '-p', folder, '-e', 'stderr'], {
    env,
    ...(name !== undefined && { name }),
  })
}

const template = new URL('nginx.conf', import.meta.url)

function siteOf({ port, host = '0.0.0.0', replicas, maxBodyMb }: NginxOptions): string {
  const values: Readonly<Record<string, string>> = {
    LISTEN: `${host.includes(':') ? `[${host}]` : host}:${port}`,
    MAX_BODY_MB: String(maxBodyMb),
    REPLICAS: replicas.map((address) => `server ${address} max_fails=1 fail_timeout=2s;`).join('\n    '),
    SPARES: replicas.map((address) => `server ${address} backup max_fails=0;`).join('\n    '),
  }
  return readFileSync(template, 'utf8').replace(/^[^#]*?\$\{.*$/gm, (line) =>
    line.replace(/\$\{(\w+)\}/g, (_, key: string) => values[key] ?? ''),
  )
}

/** All that nginx writes lies in the folder. */
function mainOf(folder: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  return `${process.getuid?.() === 0 ? 'user root;\n' : ''}daemon off;
pid ${folder}/nginx.pid;
error_log stderr warn;
worker_processes 2;
worker_rlimit_nofile 16384;
events { worker_connections 8192; }
http {
    access_log off;
    ${temporary.map((part) => `${part}_temp_path ${folder}/${part};`).join('\n    ')}
    include ${folder}/replicas.conf;
}
`
}
