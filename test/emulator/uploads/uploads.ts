import { randomUUID } from 'node:crypto'
import type { AskRecord } from '../ask-record.ts'
import { RefusedBody } from '../ask-shape.ts'

/** A place that an account was given for one file (WIRE 4.10, 5.2). */
export interface Upload {
  readonly id: string
  /** The first one of its account. */
  readonly sessionId: string
  /** What a message names it by: gen 1 `private_storage_url`, gen 2 `file_wrapper_url`. */
  readonly storageUrl: string
  /** As announced; gen 2 only. */
  readonly name?: string
  readonly contentType?: string
  /** What was put there. */
  bytes: Buffer | undefined
}

export function createUploads() {
  const all: Upload[] = []
  return {
    all,
    create(upload: Omit<Upload, 'id' | 'bytes' | 'storageUrl'>): Upload {
      const id = randomUUID()
      const made = { ...upload, id, storageUrl: `genspark.ai/uploads/${id}`, bytes: undefined }
      all.push(made)
      return made
    },
    byId: (id: string) => all.find((upload) => upload.id === id),
  }
}

/** Every file of an ask must have been uploaded by its account. @throws {RefusedBody} */
export function checkFiles(uploads: readonly Upload[], { messages, account }: AskRecord): void {
  const parts = messages.flatMap(({ content }) => (typeof content === 'string' ? [] : content))
  for (const { private_file } of parts) {
    if (!private_file) continue
    const { private_storage_url, size } = private_file as { private_storage_url: string; size?: number }
    const upload = uploads.find(({ storageUrl }) => storageUrl === private_storage_url)
    const refuse = (why: string) => new RefusedBody(400, `private_file ${private_storage_url}: ${why}`)
    if (upload?.sessionId !== account) throw refuse('no upload of this account')
    if (!upload.bytes) throw refuse('nothing was put there')
    if (size !== undefined && size !== upload.bytes.length) throw refuse(`size ${size}`)
  }
}
