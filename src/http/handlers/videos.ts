import type { RouterContext } from '@koa/router'
import type { Config } from '../../config.ts'
import { InvalidRequestError } from '../../core/errors.ts'
import { collectFiles, type MediaFile } from '../../core/media-event.ts'
import type { VideoJob } from '../../core/video-job.ts'
import { invalidValue } from '../../dialects/check-shape.ts'
import {
  encodeDeletedVideo,
  encodeVideo,
  encodeVideoList,
  encodeVideos,
  parseVideoRequest,
} from '../../dialects/openai-videos.ts'
import { beginMediaCall, gatewayCall } from '../answer-chat.ts'
import type { AppServices } from '../app-services.ts'
import type { FileLinks } from '../file-links.ts'
import { callerOf } from '../keys.ts'
import { parseBody } from '../read-body.ts'
import { readFormOrJson } from '../read-form.ts'
import type { RequestContext, RequestState } from '../request-state.ts'
import { sendJson } from '../send-json.ts'
import { sendFile } from '../site-file.ts'
import { warn } from '../warn.ts'

type Context = RouterContext<RequestState>

/** The form of deanxv/genspark2api: the answer comes when the video is there. */
export function createVideoGenerationsHandler(
  { maxBodyBytes }: Pick<Config, 'maxBodyBytes'>,
  services: AppServices,
  links: FileLinks,
) {
  const { runMedia, fetchAttachments, catalogue, clock } = services
  const resolve = (name: string) => catalogue.resolveMedia(name, 'video')
  const parse = (body: unknown) => parseVideoRequest(body, resolve)

  return async (context: RequestContext): Promise<void> => {
    const call = beginMediaCall(context)
    const { video, images: given } = await parseBody(context, maxBodyBytes, parse, readFormOrJson)
    const images = await fetchAttachments(given, call)
    const { account, events, warnings = [] } = await runMedia({ ...video, images }, call)
    warn(context, warnings)
    const files = await collectFiles(events)
    const urls = new Map<MediaFile, string>()
    for (const file of files) urls.set(file, await links.link(context, file, account.key, 'video'))
    const link = (file: MediaFile) => urls.get(file) ?? file.url
    sendJson(context, encodeVideos(Math.floor(clock.now() / 1000), files, link))
  }
}

/** OpenAI's form: a task that is made in the background and asked for by its id, by the key that began it alone. */
export function createVideoHandlers({ maxBodyBytes }: Pick<Config, 'maxBodyBytes'>, services: AppServices) {
  const { videoJobs, openFile, fetchAttachments, catalogue } = services
  const resolve = (name: string) => catalogue.resolveMedia(name, 'video')
  const parse = (body: unknown) => parseVideoRequest(body, resolve)

  async function find(context: Context): Promise<VideoJob> {
    const job = await videoJobs.find(idOf(context), callerOf(context))
    if (!job) throw notFound()
    return job
  }

  return {
    async create(context: Context): Promise<void> {
      const { requestId } = context.state
      const { video, images: given, size } = await parseBody(context, maxBodyBytes, parse, readFormOrJson)
      const images = await fetchAttachments(given, gatewayCall(context))
      const onEnd = context.bodyBudget?.hold(context)
      const about = { requestId, owner: callerOf(context), size, onEnd }
      sendJson(context, encodeVideo(await videoJobs.begin({ ...video, images }, about)))
    },

    async retrieve(context: Context): Promise<void> {
      sendJson(context, encodeVideo(await find(context)))
    },

    async list(context: Context): Promise<void> {
      sendJson(context, encodeVideoList(await videoJobs.list(callerOf(context)), context.query))
    },

    async remove(context: Context): Promise<void> {
      const id = idOf(context)
      if (!(await videoJobs.remove(id, callerOf(context)))) throw notFound()
      sendJson(context, encodeDeletedVideo(id))
    },

    async content(context: Context): Promise<void> {
      const { variant } = context.query
      if (variant !== undefined && variant !== 'video')
        throw invalidValue('variant', 'only the video itself is available, no thumbnail or spritesheet')
      const { state } = await find(context)
      if (state.type !== 'completed')
        throw new InvalidRequestError('not_found', { message: 'The video is not ready or has failed.' })
      const file = await openFile(state.accountKey, state.file.url, context.state.signal)
      await sendFile(context, file, 'video/mp4')
    },
  }
}

const idOf = (context: Context): string => context.params.id ?? ''

const notFound = (): InvalidRequestError =>
  new InvalidRequestError('not_found', { message: 'There is no such video, or it has expired.' })
