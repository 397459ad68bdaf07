import { setTimeout as delay } from 'node:timers/promises'
import type { ApiKeyAccount } from '../../core/account.ts'
import type { ImagePart } from '../../core/chat-request.ts'
import { liveDeadline } from '../../core/deadline.ts'
import { UpstreamError } from '../../core/errors.ts'
import type { MediaEvent } from '../../core/media-event.ts'
import { createCut } from '../deadlines.ts'
import type { AskMediaOptions } from '../media/ask-media.ts'
import { MediaWork } from '../media/media-work.ts'
import { pollTasks, taskSources } from '../media/poll-tasks.ts'
import { failed } from '../media/tasks.ts'
import type { AnywhereAccess } from '../open-anywhere.ts'
import type { AskMediaInput } from '../upstream.ts'
import type { CallPace } from './call-pace.ts'
import { type KeyUpload, uploadForKey } from './files.ts'
import { dataUrl, encodeToolRequest, runTool } from './run-tool.ts'
import type { ToolEnumsOfKeys } from './tool-enums.ts'

/** A tool that refuses does so at once: one that still beats after so long has taken the work on. */
const acceptAfterMs = 3_000

/** Pictures or a video over the tools for API keys. A tool makes one, so it is called once for each; the first call decides
 *  whether the others are made. Contract: `Upstream.askMedia`. Source: WIRE 11 */
export async function* askVendorMedia(
  options: AskMediaOptions &
    AnywhereAccess & {
      readonly pace: CallPace
      readonly toolEnums: Pick<ToolEnumsOfKeys, 'of'>
    },
  { request, signal: callerSignal }: AskMediaInput,
  account: ApiKeyAccount,
): AsyncGenerator<MediaEvent> {
  const { mediaTimeoutMs, pollIntervalMs = 2_000 } = options
  const count = request.kind === 'image' ? request.count : 1
  const cut = createCut(callerSignal)
  const { signal } = cut
  const stop = liveDeadline(mediaTimeoutMs, () => cut.abort(new UpstreamError('total-timeout')))
  const work = new MediaWork(request, options.baseUrl)

  /** Once for all calls. */
  let references: Promise<readonly string[]> | undefined
  function upload(): Promise<readonly string[]> {
    references ??= uploadReferences(options, request.images, { account, signal })
    return references
  }

  /** The first call is refused when there are too many, for another account to make; the others wait for their turn. */
  const waitMs = options.pace.take(account.key)
  async function start(onHeartbeat: () => void = () => {}, waits = true) {
    for (let ms = waits ? options.pace.take(account.key) : 0; ms > 0; ms = options.pace.take(account.key))
      await delay(ms, undefined, { signal })
    return await runTool(options, {
      ...encodeToolRequest(request, await upload(), options.toolEnums.of(account.key)),
      account,
      onHeartbeat,
      signal,
    })
  }

  function begin(...given: Parameters<typeof start>) {
    const run = start(...given)
    // Awaited later, perhaps after it has failed.
    run.catch(() => {})
    return run
  }

  try {
    const taken = Promise.withResolvers<void>()
    const takenAfter = performance.now() + acceptAfterMs
    if (waitMs > 0) throw new UpstreamError('rate-limited', { retryAfterMs: waitMs })
    const first = begin(() => performance.now() > takenAfter && taken.resolve(), false)
    await Promise.race([first, taken.promise])
    yield { type: 'accepted', tasks: count }

    const runs = [first, ...Array.from({ length: count - 1 }, () => begin())]
    let broken: UpstreamError | undefined
    for (const [index, run] of runs.entries()) {
      const fail = (cause: string) =>
        work.add({ id: `call ${index + 1}`, state: failed(cause), prompt: undefined })
      try {
        const { data, message } = await run
        if (!work.collect({ data })) fail(typeof message === 'string' ? message : 'the tool gave no result')
      } catch (error) {
        signal.throwIfAborted()
        if (!(error instanceof UpstreamError)) throw error
        broken ??= error
        fail(error.message)
      }
      yield work.progress()
    }
    if (broken && work.isDone && !work.hasFiles) throw broken
    // For a key of either generation the streams are the same; they are the ones seen to take it (WIRE 4.9).
    const limits = { ...options, totalTimeoutMs: mediaTimeoutMs }
    const sources = taskSources(limits, { generation: 'copilot', account, kind: request.kind })
    for await (const _more of pollTasks(work, { sources, pollIntervalMs, signal })) yield work.progress()
  } catch (thrown) {
    callerSignal.throwIfAborted()
    const error = signal.aborted ? signal.reason : thrown
    // Keep the files that exist even if the rest failed.
    if (!(error instanceof UpstreamError) || !work.hasFiles) throw error
    work.giveUp(error.message)
  } finally {
    stop()
    cut.release()
    cut.abort('over')
  }
  yield work.finished()
}

/** What fails for the upload alone, and says nothing of the key. */
const withoutUploads: ReadonlySet<string> = new Set(['route-gone', 'malformed', 'unavailable', 'empty'])

/** Puts the pictures where the tool can read them; a key without uploads sends them along. Source: WIRE 11.8 */
async function uploadReferences(
  access: AnywhereAccess,
  images: readonly ImagePart[],
  input: Pick<KeyUpload, 'account' | 'signal'>,
): Promise<readonly string[]> {
  return await Promise.all(
    images.map(async (image) => {
      const bytes = Buffer.from(image.base64, 'base64')
      return await uploadForKey(access, { ...input, bytes, mimeType: image.mimeType }).catch(
        (error: unknown) => {
          if (error instanceof UpstreamError && withoutUploads.has(error.kind)) return dataUrl(image)
          throw error
        },
      )
    }),
  )
}
