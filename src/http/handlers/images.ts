import type { Config } from '../../config.ts'
import type { MediaFile } from '../../core/media-event.ts'
import { collectFiles } from '../../core/media-event.ts'
import {
  type EncodedImage,
  encodeImages,
  type ParsedImageRequest,
  parseImageRequest,
} from '../../dialects/openai-images.ts'
import { beginMediaCall } from '../answer-chat.ts'
import type { AppServices } from '../app-services.ts'
import type { FileLinks } from '../file-links.ts'
import { countAsks } from '../limit-rate.ts'
import { parseBody } from '../read-body.ts'
import { readFormOrJson } from '../read-form.ts'
import type { Middleware, RequestContext } from '../request-state.ts'
import { sendJson } from '../send-json.ts'
import { readSiteFile } from '../site-file.ts'
import { warn } from '../warn.ts'

/** Serves generations, and edits where `imageRequired`. */
export function createImagesHandler(
  { maxBodyBytes }: Pick<Config, 'maxBodyBytes'>,
  services: AppServices,
  links: FileLinks,
  { imageRequired, limit }: { readonly imageRequired: boolean; readonly limit: Middleware },
) {
  const { runMedia, fetchAttachments, openFile, catalogue, clock } = services
  const resolve = (name: string) => catalogue.resolveMedia(name, 'image')

  return async (context: RequestContext): Promise<void> => {
    const call = beginMediaCall(context)
    const parse = (body: unknown) => parseImageRequest(body, { resolve, imageRequired })
    const asked = await parseBody(context, maxBodyBytes, parse, readFormOrJson)
    if (asked.image.count > 1) await countAsks(limit, context, asked.image.count - 1)
    const images = await fetchAttachments(asked.images, call)
    const { account, events, warnings = [] } = await runMedia({ ...asked.image, images }, call)
    warn(context, warnings)
    const data: EncodedImage[] = []
    // One after another: only one picture at a time is in memory unencoded.
    for (const file of await collectFiles(events)) data.push(await encode(context, asked, file, account.key))
    sendJson(context, encodeImages(Math.floor(clock.now() / 1000), data))
  }

  async function encode(
    context: RequestContext,
    { responseFormat }: ParsedImageRequest,
    file: MediaFile,
    accountKey: string,
  ): Promise<EncodedImage> {
    const revised = file.revisedPrompt !== undefined && { revised_prompt: file.revisedPrompt }
    if (responseFormat === 'url')
      return { url: await links.link(context, file, accountKey, 'image'), ...revised }
    const opened = await openFile(accountKey, file.url, context.state.signal)
    // All of them are in memory until the response is written: they count like a body.
    const take = (bytes: number) => context.bodyBudget?.take(context, bytes)
    const bytes = await readSiteFile(opened, maxImageBytes, take)
    return { b64_json: bytes.toString('base64'), ...revised }
  }
}

const maxImageBytes = 20 * 1024 * 1024
