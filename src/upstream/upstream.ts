// Asks the site and decodes its event stream; the only module that knows the wire (WIRE 2 to 8, 11). Fetches what clients name by
// URL, under guard (`fetch-public-file`). Touches `core`, undici for the site, got for clients' URLs; never an account's state.

import type { Account, ApiKeyAccount, CookieAccount } from '../core/account.ts'
import type { SpeechMade, SpeechRequest, Transcript, TranscriptionRequest } from '../core/audio-request.ts'
import type { ChatEventBatch } from '../core/chat-event.ts'
import type { ChatPrompt } from '../core/chat-request.ts'
import type { KeyModel } from '../core/key-model.ts'
import type { MediaEvent, MediaResume } from '../core/media-event.ts'
import type { MediaRequest } from '../core/media-request.ts'
import type { WireGeneration } from '../core/wire-generation.ts'

export interface AskInput {
  readonly generation: WireGeneration
  readonly account: Account
  readonly request: ChatPrompt
  /** The model under the name that the API key is served it by; absent: the name that the site knows. */
  readonly keyModel?: KeyModel | undefined
  /** Continue this project; a new one without (WIRE 4.6, 5.3). */
  readonly chatId?: string
  /** reCAPTCHA token (WIRE 3.1); left out when none could be had. */
  readonly token?: string
  /** In the place of `token`: asked for once the files are uploaded, for which a token may not live long enough. */
  readonly takeToken?: () => Promise<string | undefined>
  readonly signal: AbortSignal
}

export interface AskMediaInput extends Omit<AskInput, 'request' | 'keyModel'> {
  readonly request: MediaRequest
}

export type AskAudioInput<Request> = Pick<AskInput, 'account' | 'signal'> & { readonly request: Request }

export interface ResumeMediaInput {
  readonly account: Account
  readonly request: Pick<MediaRequest, 'kind' | 'prompt'> & { readonly count?: number }
  readonly resume: MediaResume
  readonly signal: AbortSignal
}

/** A file being downloaded; `body` is read no faster than it is pulled. Leaving it, begun or not, closes the request. */
export interface SiteFile {
  readonly contentType: string | undefined
  readonly contentLength: number | undefined
  readonly body: AsyncIterable<Uint8Array>
}

/** Model ids as the site lists them today (WIRE 5.8). */
export interface ModelLists {
  readonly text: readonly string[]
  readonly image: readonly string[]
}

/** What is left of an account's allowance, in the site's credits (WIRE 5.8). */
export interface Quota {
  readonly remaining: number
  readonly limit: number | undefined
}

export interface Login {
  readonly state: LoginState
  /** The site's id of the person who is signed in (`cogen_id`). A name: never in a log or an answer. */
  readonly person: string | undefined
}

export type LoginState = 'signed-in' | 'signed-out'

/** Of a key there is more to know: its plan may have no API, its credits may be spent (WIRE 11). */
export type AccountCheck = LoginState | 'plan-blocked' | 'credits-spent'

/** A sign-in that waits for the operator's approval in his own browser. `deviceCode` fetches the key all by itself: a secret. */
export interface DeviceCode {
  readonly deviceCode: string
  readonly authUrl: string
  readonly pollMs: number
  readonly expiresInMs: number
}

export type DeviceAnswer =
  | { readonly status: 'pending' | 'expired' }
  | { readonly status: 'approved'; readonly apiKey: string }

export interface Upstream {
  /** The wire generation to ask now: the configured one, or what `auto` has found out within the last hour. */
  generation(): WireGeneration
  /** Asks once. Batches hold the events of one read; the last event of a whole answer is `finished`.
   *  Leaving the iteration early or aborting `signal` closes the request.
   *  @throws {UpstreamError} on the first `next()` for a reply that is a failure, later for a stream that breaks */
  ask(input: AskInput): AsyncIterable<ChatEventBatch>
  /** Is the account signed in? Source: WIRE 4.10 `is_login`. @throws {UpstreamError} when the site cannot say */
  checkLogin(account: Account, signal: AbortSignal): Promise<LoginState>
  /** Can the account be used? A key is asked for a chat of one token, which nothing else proves. @throws {UpstreamError} */
  checkAccount(account: Account, signal: AbortSignal): Promise<AccountCheck>
  /** Who is signed in? Source: WIRE 4.10 `is_login`. @throws {UpstreamError} when the site cannot say */
  identify(account: CookieAccount, signal: AbortSignal): Promise<Login>
  /** Asks for images or a video and polls until they are there, at most MEDIA_TIMEOUT_S.
   *  @throws {UpstreamError} as `ask` does; before `accepted` on the first `next()` */
  askMedia(input: AskMediaInput): AsyncIterable<MediaEvent>
  /** Speech of a text, and the text of a recording, by the tools of an API key: one piece. @throws {UpstreamError} as `askMedia` */
  speak(input: AskAudioInput<SpeechRequest>): AsyncIterable<SpeechMade>
  transcribe(input: AskAudioInput<TranscriptionRequest>): AsyncIterable<Transcript>
  /** Goes on waiting for what `askMedia` began, in this process or another. Contract: `askMedia`, without `accepted`. */
  resumeMedia(input: ResumeMediaInput): AsyncIterable<MediaEvent>
  /** Opens a result file, over the account's proxy; its cookie goes to the site's own hosts only, and what is neither the site's
   *  nor its storage's has to be public. A file is never empty, and never a text.
   *  @throws {UpstreamError} */
  openFile(input: {
    readonly account: Account
    readonly url: string
    readonly signal: AbortSignal
  }): Promise<SiteFile>
  /** Deletes a chat of the account (WIRE 4.10). @throws {UpstreamError} when it did not work */
  deleteProject(account: Account, projectId: string, signal: AbortSignal): Promise<void>
  /** Source: WIRE 5.8 `moa_models_config`, `models_config`; public, no account is used. @throws {UpstreamError} */
  modelLists(signal: AbortSignal): Promise<ModelLists>
  /** The models that an API key is served. Source: WIRE 11.3. @throws {UpstreamError} */
  keyModels(account: ApiKeyAccount, signal: AbortSignal): Promise<readonly KeyModel[]>
  /** Undefined where the site does not say. Source: WIRE 5.8 `get_credit_balance`, `billing_cycle` */
  quota(account: Account, signal: AbortSignal): Promise<Quota | undefined>
  /** Begins a sign-in that gives an API key once the operator approves it in his browser. Source: WIRE 11. @throws {UpstreamError} */
  requestDeviceCode(signal: AbortSignal): Promise<DeviceCode>
  /** Was it approved? @throws {UpstreamError} */
  askDeviceCode(code: Pick<DeviceCode, 'deviceCode'>, signal: AbortSignal): Promise<DeviceAnswer>
  close(): Promise<void>
}
