import { randomUUID } from 'node:crypto'
import { resetReply } from '../end-reply.ts'
import type { Exchange, Route } from '../route.ts'
import type { FilePlace } from './media-scenario.ts'

/** A file that a task has made. */
export interface ResultFile {
  readonly url: string
  readonly contentType: string
  readonly bytes: Uint8Array
  /** Whose cookie opens it; undefined: it needs none. */
  readonly owner: string | undefined
  readonly redirectTo?: string
  /** The connection is reset after so many bytes. */
  readonly cutAfter: number
  /** How often its bytes were sent. */
  sent: number
}

export interface NewFile {
  /** Of the site, e.g. `http://127.0.0.1:7055`. */
  readonly origin: string
  readonly sessionId: string
  readonly contentType: string
  readonly bytes: Uint8Array
  readonly place: FilePlace
  readonly cutAfter?: number
}

export function createResultFiles() {
  const byUrl = new Map<string, ResultFile>()

  function put(path: string, file: NewFile, rest: Pick<ResultFile, 'owner' | 'redirectTo'>): string {
    const url = `${file.origin}${path}`
    const { contentType, bytes, cutAfter = Number.POSITIVE_INFINITY } = file
    byUrl.set(url, { url, contentType, bytes, cutAfter, sent: 0, ...rest })
    return url
  }

  const putPrivate = (file: NewFile, redirectTo?: string): string =>
    put(`${privatePath}${randomUUID()}`, file, {
      owner: file.sessionId,
      ...(redirectTo === undefined ? {} : { redirectTo }),
    })
  const putPublic = (file: NewFile): string =>
    put(`${publicPath}${randomUUID()}?sig=canned`, file, { owner: undefined })
  /** The same server by another of its names: to a browser another origin, and no answer has CORS headers. */
  const putElsewhere = (file: NewFile): string =>
    put(
      `${elsewherePath}${randomUUID()}?sig=canned`,
      { ...file, origin: otherOrigin(file.origin) },
      { owner: undefined },
    )

  return {
    /** By URL. */
    byUrl,
    /** @returns its URL */
    add(file: NewFile): string {
      if (file.place === 'public') return putPublic(file)
      if (file.place === 'elsewhere') return putElsewhere(file)
      if (file.place === 'redirect') return putPrivate(file, putPublic(file))
      if (file.place === 'redirect-elsewhere') return putPrivate(file, putElsewhere(file))
      return putPrivate(file, file.place === 'redirect-with-cookie' ? putPrivate(file) : undefined)
    },
  }
}

const privatePath = '/api/files/s/'
const publicPath = '/blob/'
const elsewherePath = '/elsewhere/'

function otherOrigin(origin: string): string {
  const url = new URL(origin)
  url.hostname = url.hostname === 'localhost' ? '127.0.0.1' : 'localhost'
  return url.origin
}

/** Result files (WIRE 4.9, 5.6). */
export const resultFileRoutes: Readonly<Record<string, Route>> = {
  [`GET ${privatePath}*`]: { isPublic: true, answer: sendFile },
  [`GET ${publicPath}*`]: { isPublic: true, answer: sendFile },
  [`GET ${elsewherePath}*`]: { isPublic: true, answer: sendFile },
}

function sendFile({ site, url, origin, account, isGuest, response }: Exchange): unknown {
  const query = url.pathname.startsWith(privatePath) ? '' : url.search // `?cache_control=3600` is seen there
  const file = site.files.byUrl.get(`${origin}${url.pathname}${query}`)
  if (!file) return void response.writeHead(404).end()
  if (file.owner !== undefined && (file.owner !== account || isGuest)) {
    return { status: -5, message: 'not login', data: {} }
  }
  if (file.redirectTo !== undefined) return void response.writeHead(302, { Location: file.redirectTo }).end()
  file.sent += 1
  const { contentType, bytes, cutAfter } = file
  response.writeHead(200, { 'Content-Type': contentType, 'Content-Length': bytes.byteLength })
  if (cutAfter >= bytes.byteLength) return void response.end(bytes)
  // Time for the client to read what came before.
  response.write(bytes.subarray(0, cutAfter), () => setTimeout(() => resetReply(response), 30))
  return undefined
}
