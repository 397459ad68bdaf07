/** A picture as the client asked for it: where it is, or its bytes in base64 without a head. */
export interface EncodedImage {
  readonly url?: string
  readonly b64_json?: string
  readonly revised_prompt?: string
}

/** @param created  epoch seconds */
export function encodeImages(created: number, data: readonly EncodedImage[]) {
  return { created, data }
}
