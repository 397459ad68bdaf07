import { RefusedBody } from '../ask-shape.ts'
import { readBody } from '../read-body.ts'
import { originFault } from '../request-headers.ts'
import type { Exchange, Route } from '../route.ts'

/** Asking for a place and putting the bytes there, on the emulator itself (WIRE 4.10, 5.2). */
export const uploadRoutes: Readonly<Record<string, Route>> = {
  'GET /api/get_upload_personal_image_url': {
    needsLogin: true,
    accept: '*/*',
    answer({ site, origin, account }) {
      const { id, storageUrl } = site.uploads.create({ sessionId: account })
      return { data: { upload_image_url: putUrl(origin, id), private_storage_url: storageUrl } }
    },
  },
  'GET /api/files/get_upload_url': {
    needsLogin: true,
    answer({ site, url, origin, account }) {
      const name = url.searchParams.get('name')
      const contentType = url.searchParams.get('content_type')
      if (!name || !contentType) throw new RefusedBody(400, 'no name or no content_type')
      const { id, storageUrl } = site.uploads.create({ sessionId: account, name, contentType })
      return { status: 0, data: { upload_url: putUrl(origin, id), file_wrapper_url: storageUrl } }
    },
  },
  'PUT /blob-upload/*': { isPublic: true, answer: putFile },
}

const putUrl = (origin: string, id: string): string => `${origin}/blob-upload/${id}?sig=canned`

async function putFile({ site, request, response, url }: Exchange): Promise<undefined> {
  const upload = site.uploads.byId(url.pathname.slice(url.pathname.lastIndexOf('/') + 1))
  if (!upload || url.search !== '?sig=canned') throw new RefusedBody(403, 'an unknown place')
  const { headers } = request
  if (headers['x-ms-blob-type'] !== 'BlockBlob') throw new RefusedBody(400, 'no x-ms-blob-type: BlockBlob')
  const contentType = headers['content-type']
  if (contentType !== 'application/octet-stream' && contentType !== upload.contentType) {
    throw new RefusedBody(400, `Content-Type ${contentType}`)
  }
  if (headers['content-length'] === undefined) throw new RefusedBody(411, 'no Content-Length')
  if (headers.cookie !== undefined) throw new RefusedBody(400, 'a cookie')
  const fault = originFault(request)
  if (fault) throw new RefusedBody(400, fault)
  const bytes = await readBody(request)
  if (upload.bytes) throw new RefusedBody(409, 'put for a second time')
  upload.bytes = bytes
  response.writeHead(201).end()
  return undefined
}
