import { createHash, randomBytes } from 'node:crypto'
import type { Config } from '../config.ts'
import type { MediaFile } from '../core/media-event.ts'
import type { Store } from '../store/store.ts'
import { originOf } from './own-origin.ts'
import type { RequestContext } from './request-state.ts'

export interface LinkedFile {
  readonly accountKey: string
  /** Of the site. */
  readonly url: string
}

export interface FileLinks {
  /** The URL under which a client loads a file: the site's own, or one of ours where that needs the cookie.
   *  @throws {UnavailableError} `dependency_unavailable` */
  link(context: RequestContext, file: MediaFile, accountKey: string, kind: 'image' | 'video'): Promise<string>
  /** @param name  the last part of a link's path
   *  @returns undefined when there is none of this name (any more)
   *  @throws {UnavailableError} `dependency_unavailable` */
  open(name: string): Promise<LinkedFile | undefined>
}

export interface FileLinkOptions
  extends Pick<Config, 'publicUrl' | 'routePrefix' | 'trustedProxyHops' | 'fileLinkMs'> {
  readonly store: Pick<Store, 'saveDocument' | 'findDocument'>
}

/** Links that are their own key: a random id, which names a record in the store. It tells nothing of what it opens, nobody can make
 *  one up, every replica knows it, and it goes with its account. The store has a hash of it, which opens nothing. */
export function createFileLinks({ store, fileLinkMs: lifeMs, ...options }: FileLinkOptions): FileLinks {
  return {
    async link(context, { url, needsCookie }, accountKey, kind) {
      if (!needsCookie) return url
      const id = randomBytes(24).toString('base64url')
      await store.saveDocument('file-link', { id: recordOf(id), owner: accountKey, text: url, lifeMs })
      return `${originOf(context, options)}${options.routePrefix}/files/${id}.${extensionOf(url, kind)}`
    },
    async open(name) {
      const [, id] = /^([\w-]{32})\.\w{3,4}$/.exec(name) ?? []
      const found = id === undefined ? undefined : await store.findDocument('file-link', recordOf(id))
      return found && { accountKey: found.owner, url: found.text }
    },
  }
}

const recordOf = (id: string): string => createHash('sha256').update(id).digest('hex')

/** NextChat recognises a video by the end of its URL, so there is an extension and no query string. */
function extensionOf(url: string, kind: 'image' | 'video'): string {
  const known = /\.(png|jpe?g|webp|gif|mp4|webm|mov)$/i.exec(URL.parse(url)?.pathname ?? '')?.[1]
  return known?.toLowerCase() ?? (kind === 'video' ? 'mp4' : 'png')
}
