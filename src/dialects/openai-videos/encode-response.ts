import type { MediaFile } from '../../core/media-event.ts'

/** The seed's answer.
 *  @param created  epoch seconds
 *  @param link  the URL under which the client can load a file */
export function encodeVideos(
  created: number,
  files: readonly MediaFile[],
  link: (file: MediaFile) => string,
) {
  const data = files.map((file) => ({
    url: link(file),
    ...(file.revisedPrompt !== undefined && { revised_prompt: file.revisedPrompt }),
  }))
  return { created, data }
}
