import type { RouterContext } from '@koa/router'
import type { Config } from '../../config.ts'
import { InvalidRequestError } from '../../core/errors.ts'
import type { VideoJob } from '../../core/video-job.ts'
import {
  encodeDeletedVideo,
  encodeVideo,
  encodeVideoList,
  parseVideoRequest,
} from '../../dialects/openai-videos.ts'
import { callerOf } from '../api-key.ts'
import type { AppServices } from '../app-services.ts'
import { readFormOrJson } from '../read-form.ts'
import type { RequestState } from '../request-state.ts'
import { sendFile } from '../send-file.ts'

type Context = RouterContext<RequestState>

/** OpenAI's form: a task that is made in the background and asked for by its id, by the key that began it alone. */
export function createVideoHandlers({ maxBodyBytes }: Pick<Config, 'maxBodyBytes'>, services: AppServices) {
  const { videoJobs, openFile, catalogue } = services
  const resolve = (name: string) => catalogue.resolveMedia(name, 'video')

  async function find(context: Context): Promise<VideoJob> {
    const job = await videoJobs.find(context.params.id ?? '', callerOf(context))
    if (!job) throw notFound()
    return job
  }

  return {
    async create(context: Context): Promise<void> {
      const { requestId, signal } = context.state
      const body = await readFormOrJson(context, maxBodyBytes)
      const { video, images: given, size } = await parseVideoRequest(body, resolve)
      const images = await services.fetchAttachments(given, signal)
      const about = { requestId, owner: callerOf(context), size }
      context.body = encodeVideo(await videoJobs.begin({ ...video, images }, about))
    },

    async retrieve(context: Context): Promise<void> {
      context.body = encodeVideo(await find(context))
    },

    async list(context: Context): Promise<void> {
      context.body = encodeVideoList(await videoJobs.list(callerOf(context)), context.query)
    },

    async remove(context: Context): Promise<void> {
      const id = context.params.id ?? ''
      if (!(await videoJobs.remove(id, callerOf(context)))) throw notFound()
      context.body = encodeDeletedVideo(id)
    },

    async content(context: Context): Promise<void> {
      const { variant } = context.query
      if (variant !== undefined && variant !== 'video')
        throw new InvalidRequestError('invalid_value', {
          message: 'variant: the site has the video alone, no thumbnail or spritesheet.',
          param: 'variant',
        })
      const { state } = await find(context)
      if (state.type !== 'completed')
        throw new InvalidRequestError('not_found', { message: 'This video is not there yet, or it failed.' })
      const file = await openFile(state.accountKey, state.file.url, context.state.signal)
      await sendFile(context, file, 'video/mp4')
    },
  }
}

const notFound = (): InvalidRequestError =>
  new InvalidRequestError('not_found', { message: 'There is no such video, or it has expired.' })
