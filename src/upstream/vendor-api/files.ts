import type { ApiKeyAccount } from '../../core/account.ts'
import { UpstreamError } from '../../core/errors.ts'
import { isRecord } from '../decode-parts.ts'
import type { AnywhereAccess } from '../open-anywhere.ts'
import { callSite, readText } from '../site-calls.ts'

export interface KeyUpload {
  readonly account: ApiKeyAccount
  readonly bytes: Uint8Array
  readonly mimeType: string
  readonly signal: AbortSignal
}

/** Puts a file where the key's tools can read it. @returns its name for them. @throws {UpstreamError} `route-gone` where keys have no
 *  uploads. Source: WIRE 11.8 */
export async function uploadForKey(
  access: AnywhereAccess,
  { account, bytes, mimeType, signal }: KeyUpload,
): Promise<string> {
  const answer = await callSite(access, {
    path: '/api/tool_cli/file/upload_url',
    account,
    body: { content_type: mimeType, name: `file.${mimeType.replace(/^.*\//, '').replace(/\W.*$/, '')}` },
    signal,
  })
  const data = isRecord(answer.data) ? answer.data : answer
  const { upload_url, file_wrapper_url: wrapper } = data
  const url = typeof upload_url === 'string' ? URL.parse(upload_url, access.baseUrl) : null
  if (!url || typeof wrapper !== 'string' || wrapper === '') throw refused('and named no place for it')
  const reply = await access.openAnywhere({
    account,
    method: 'PUT',
    url,
    headers: { ...access.headers.upload(), 'content-type': mimeType },
    body: Buffer.from(bytes),
    signal,
  })
  await readText(reply)
  if (reply.status < 200 || reply.status > 299) throw refused(`with status ${reply.status}`)
  return wrapper
}

const refused = (how: string): UpstreamError =>
  new UpstreamError('unavailable', { message: `Genspark did not take a file ${how}.` })
