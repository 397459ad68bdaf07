/** A text model as the catalogue of an API key has it; what the catalogue does not say is undefined. Source: WIRE 11.3 */
export interface KeyModel {
  /** As the vendor's own route is asked for it. */
  readonly id: string
  readonly displayName?: string
  /** In tokens: of prompt and answer together, and of the answer alone. */
  readonly contextLength?: number
  readonly maxOutputTokens?: number
  readonly takesPictures?: boolean
  /** What it takes as reasoning effort; empty: it does not reason. */
  readonly efforts?: readonly string[]
  /** By the catalogue's own measure, for a million tokens. */
  readonly cost?: Readonly<Record<string, number>>
}
