import type { Account } from '../core/account.ts'
import type { SpeechMade, SpeechRequest, Transcript, TranscriptionRequest } from '../core/audio-request.ts'
import { InvalidRequestError, UpstreamError } from '../core/errors.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { type AskInput, type AttemptDependencies, attemptUntilBegun, type GatewayCall } from './attempt.ts'
import type { HasKind } from './choose-surface.ts'

export interface AudioDependencies extends AttemptDependencies {
  readonly upstream: Pick<Upstream, 'generation' | 'checkLogin' | 'speak' | 'transcribe'>
  /** Absent: of each kind. */
  readonly hasKind?: HasKind
}

/** Speech and transcriptions, which API keys alone can do. Contract of the attempts: `attemptUntilBegun`.
 *  @throws {ServiceError} */
export interface RunAudio {
  /** @returns with the account whose file it is */
  speak(request: SpeechRequest, call: GatewayCall): Promise<SpeechMade & { readonly account: Account }>
  transcribe(request: TranscriptionRequest, call: GatewayCall): Promise<Transcript>
}

export function createRunAudio(dependencies: AudioDependencies): RunAudio {
  const { upstream, hasKind = () => true } = dependencies

  async function run<Made>(
    model: string,
    call: GatewayCall,
    send: (input: AskInput) => AsyncIterable<Made>,
  ): Promise<{ readonly account: Account; readonly made: Made }> {
    if (!hasKind('api-key') && hasKind('cookie'))
      throw new InvalidRequestError('invalid_value', {
        message: 'Speech and transcriptions need an API key: a cookie has none.',
        param: 'model',
        retryable: false,
      })
    if (call.record) call.record.model = model
    const ask = { send, hasBegun: () => true, projectIn: () => undefined }
    const wish = { model, use: 'image', kind: 'api-key' } as const
    const { account, pieces } = await attemptUntilBegun(dependencies, wish, ask, call)
    for await (const made of pieces) return { account, made }
    throw new UpstreamError('empty')
  }

  return {
    async speak(request, call) {
      const { account, made } = await run(request.model, call, (input) =>
        upstream.speak({ ...input, request }),
      )
      return { ...made, account }
    },
    async transcribe(request, call) {
      const send = (input: AskInput) => upstream.transcribe({ ...input, request })
      return (await run(request.model, call, send)).made
    },
  }
}
