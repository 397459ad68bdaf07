import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto'

/** Seals texts that lie in a store (STATE_KEY): AES-256-GCM, a fresh nonce each time. */
export interface Seal {
  /** @param id  what the text belongs to; it opens for no other */
  close(text: string, id: string): string
  /** @returns undefined when none of the keys fits or the text was changed */
  open(sealed: string, id: string): OpenedText | undefined
}

export interface OpenedText {
  readonly text: string
  /** Not sealed, or with another key than the first: to be sealed again. */
  readonly stale: boolean
}

const cipher = 'aes-256-gcm'
const head = 'sealed:'
const nonceBytes = 12
const tagBytes = 16

/** @param keys  the first seals, all open; none: texts stay as they are */
export function createSeal(keys: readonly KeyObject[]): Seal {
  const [first] = keys
  return {
    close: (text, id) => (first ? head + encrypt(text, id, first).toString('base64') : text),
    open(sealed, id) {
      if (!sealed.startsWith(head)) return { text: sealed, stale: first !== undefined }
      const bytes = Buffer.from(sealed.slice(head.length), 'base64')
      for (const key of keys) {
        const text = decrypt(bytes, id, key)
        if (text !== undefined) return { text, stale: key !== first }
      }
      return undefined
    },
  }
}

function encrypt(text: string, id: string, key: KeyObject): Buffer {
  const nonce = randomBytes(nonceBytes)
  const sealing = createCipheriv(cipher, key, nonce).setAAD(Buffer.from(id))
  const body = Buffer.concat([sealing.update(text, 'utf8'), sealing.final()])
  return Buffer.concat([nonce, sealing.getAuthTag(), body])
}

function decrypt(bytes: Buffer, id: string, key: KeyObject): string | undefined {
  const body = nonceBytes + tagBytes
  if (bytes.length < body) return undefined
  try {
    const opening = createDecipheriv(cipher, key, bytes.subarray(0, nonceBytes), { authTagLength: tagBytes })
    opening.setAAD(Buffer.from(id)).setAuthTag(bytes.subarray(nonceBytes, body))
    return Buffer.concat([opening.update(bytes.subarray(body)), opening.final()]).toString('utf8')
  } catch {
    return undefined
  }
}
