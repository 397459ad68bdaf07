import type { Config } from '../../config.ts'
import { collectFiles } from '../../core/media-event.ts'
import { encodeVideos } from '../../dialects/openai-videos/encode-response.ts'
import { parseVideoRequest } from '../../dialects/openai-videos/parse-request.ts'
import type { AppServices } from '../app-services.ts'
import type { FileLinks } from '../file-links.ts'
import { beginMediaCall } from '../media-call.ts'
import { readFormOrJson } from '../read-form.ts'
import type { RequestContext } from '../request-state.ts'

/** The seed's form: the answer comes when the video is there. */
export function createVideoGenerationsHandler(
  { maxBodyBytes }: Pick<Config, 'maxBodyBytes'>,
  services: AppServices,
  links: FileLinks,
) {
  const { runMedia, catalogue, clock } = services
  const resolve = (name: string) => catalogue.resolveMedia(name, 'video')

  return async (context: RequestContext): Promise<void> => {
    const call = beginMediaCall(context)
    const body = await readFormOrJson(context, maxBodyBytes)
    const { video, images: given } = await parseVideoRequest(body, resolve)
    const images = await services.fetchAttachments(given, call.signal)
    const { account, events } = await runMedia({ ...video, images }, call)
    const files = await collectFiles(events)
    const link = (file: (typeof files)[number]) => links.link(context, file, account.key, 'video')
    context.body = encodeVideos(Math.floor(clock.now() / 1000), files, link)
  }
}
