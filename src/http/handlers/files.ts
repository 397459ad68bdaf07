import type { RouterContext } from '@koa/router'
import { InvalidRequestError } from '../../core/errors.ts'
import type { AppServices } from '../app-services.ts'
import type { FileLinks } from '../file-links.ts'
import type { RequestState } from '../request-state.ts'
import { sendFile } from '../site-file.ts'

/** Serves a result file that loads only with an account's cookie. The link is the key: browsers send no other for a picture.
 *  @throws {InvalidRequestError} `not_found` when there is none, or its account is gone */
export function createFilesHandler({ openFile }: Pick<AppServices, 'openFile'>, links: FileLinks) {
  return async (context: RouterContext<RequestState>): Promise<void> => {
    const name = context.params.name ?? ''
    const linked = await links.open(name)
    if (!linked)
      throw new InvalidRequestError('not_found', {
        message: 'There is no such file, or its link has expired.',
      })
    const file = await openFile(linked.accountKey, linked.url, context.state.signal)
    await sendFile(context, file, typeOf(name))
  }
}

function typeOf(name: string): string {
  return types[name.split('.').at(-1) ?? ''] ?? 'application/octet-stream'
}

const types: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  webp: 'image/webp',
  gif: 'image/gif',
  mp4: 'video/mp4',
  webm: 'video/webm',
  mov: 'video/quicktime',
}
