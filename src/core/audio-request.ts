/** Speech to be made of a text by an API key's tool. */
export interface SpeechRequest {
  /** The vendor's id. */
  readonly model: string
  readonly text: string
  readonly voice: string | undefined
  readonly speed: number | undefined
  readonly instructions: string | undefined
}

/** The text of a recording, by an API key's tool. */
export interface TranscriptionRequest {
  /** The vendor's id. */
  readonly model: string
  readonly audio: Uint8Array
  readonly mimeType: string
  /** Words to expect. */
  readonly prompt: string | undefined
}

export interface SpeechMade {
  /** Of the file, on the site. */
  readonly url: string
  /** What was asked for and the model has no parameter for, in words. */
  readonly warnings: readonly string[]
}

export interface Transcript {
  readonly text: string
}
