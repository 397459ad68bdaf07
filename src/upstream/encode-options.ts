import type { StoredFiles } from './upload-files.ts'

/** What goes into an ask's body besides its request. */
export interface EncodeOptions {
  readonly chatId?: string | undefined
  readonly token?: string | undefined
  readonly files?: StoredFiles | undefined
}
