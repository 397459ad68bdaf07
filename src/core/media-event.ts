/** What a media ask and the polling of its tasks are decoded into; a failure as a whole is thrown as `UpstreamError`. */
export type MediaEvent =
  /** The site has taken the work on: from here on it is not begun again elsewhere. */
  | {
      readonly type: 'accepted'
      readonly tasks: number
      /** The chat that the site made or went on with. */
      readonly projectId?: string
    }
  | { readonly type: 'progress'; readonly done: number; readonly tasks: number }
  /** The last event; at least one file, or at least one failure. */
  | { readonly type: 'finished'; readonly files: readonly MediaFile[]; readonly failures: readonly string[] }

export interface MediaFile {
  /** Of the site, absolute. */
  readonly url: string
  /** Loads only with the account's cookie (WIRE 5.6, `/api/files/s/`). */
  readonly needsCookie: boolean
  /** The prompt as the site rewrote it. */
  readonly revisedPrompt?: string
}
