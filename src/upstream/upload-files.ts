import { extname } from 'node:path'
import type { CookieAccount } from '../core/account.ts'
import type { ChatMessage, FilePart } from '../core/chat-request.ts'
import { UpstreamError } from '../core/errors.ts'
import type { WireGeneration } from '../core/wire-generation.ts'
import { isRecord } from './decode-parts.ts'
import type { AnywhereAccess } from './open-anywhere.ts'
import { callSite, isMissingRoute, readText, type SiteAccess } from './site-calls.ts'

/** The files of a request as its messages refer to them once the site has them: the `private_file` of a part. */
export type StoredFiles = ReadonlyMap<FilePart, object>

interface UploadInput {
  readonly generation: WireGeneration
  readonly account: CookieAccount
  readonly messages: readonly ChatMessage[]
  readonly signal: AbortSignal
}

/** Uploads every file of the messages for the account, byte for byte. @throws {UpstreamError}
 *  Source: WIRE 4.10 (gen 1), 5.2 (gen 2) */
export async function uploadFiles(
  access: AnywhereAccess,
  { messages, ...input }: UploadInput,
): Promise<StoredFiles> {
  const files = messages.flatMap(({ parts }) => parts.filter((part) => part.type === 'file'))
  return new Map(await Promise.all(files.map((file) => uploadFile(access, file, input))))
}

async function uploadFile(
  access: AnywhereAccess,
  file: FilePart,
  { generation, account, signal }: Omit<UploadInput, 'messages'>,
): Promise<readonly [FilePart, object]> {
  const place = await findPlace(access, { paths: placePaths[generation](file), account, signal })
  const url = URL.parse(place.uploadUrl, access.baseUrl)
  if (!url) throw refused('and named no place for it')
  const reply = await access.openAnywhere({
    account,
    method: 'PUT',
    url,
    headers: access.headers.upload(),
    body: Buffer.from(file.base64, 'base64'),
    signal,
  })
  await readText(reply)
  if (reply.status < 200 || reply.status > 299) throw refused(`with status ${reply.status}`)
  return [file, privateFile[generation](file, place.storageUrl)]
}

const privateFile: Readonly<Record<WireGeneration, (file: FilePart, storageUrl: string) => object>> = {
  copilot: ({ name, mimeType, base64 }, storageUrl) => ({
    name,
    type: mimeType,
    size: Buffer.byteLength(base64, 'base64'),
    ext: extname(name).slice(1),
    private_storage_url: storageUrl,
  }),
  agent: ({ name }, storageUrl) => ({ name, private_storage_url: storageUrl }),
}

interface Place {
  readonly uploadUrl: string
  readonly storageUrl: string
}

const personalPath = '/api/get_upload_personal_image_url'

/** In the order in which they are tried. */
const placePaths: Readonly<Record<WireGeneration, (file: FilePart) => readonly string[]>> = {
  copilot: () => [personalPath],
  agent: ({ name, mimeType }) => [
    `/api/files/get_upload_url?${new URLSearchParams({ content_type: mimeType, name })}`,
    personalPath,
  ],
}

async function findPlace(
  access: SiteAccess,
  { paths, ...input }: { paths: readonly string[]; account: CookieAccount; signal: AbortSignal },
): Promise<Place> {
  for (const path of paths) {
    try {
      return parsePlace(await callSite(access, { path, accept: '*/*', ...input }))
    } catch (error) {
      if (!isMissingRoute(error)) throw error
    }
  }
  throw refused('and has no route for uploads')
}

/** Only the names of gen 1 have been seen; those of gen 2 are notes. */
function parsePlace(answer: Readonly<Record<string, unknown>>): Place {
  const data = isRecord(answer.data) ? answer.data : answer
  const textOf = (...names: readonly string[]) =>
    names.map((name) => data[name]).find((value) => typeof value === 'string' && value !== '')
  const uploadUrl = textOf('upload_image_url', 'upload_url', 'url')
  const storageUrl = textOf('private_storage_url', 'file_wrapper_url')
  if (typeof uploadUrl !== 'string' || typeof storageUrl !== 'string')
    throw refused('and named no place for it')
  return { uploadUrl, storageUrl }
}

const refused = (how: string): UpstreamError =>
  new UpstreamError('unavailable', { message: `Genspark did not take a file ${how}.` })
