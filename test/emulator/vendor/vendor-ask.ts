/** One request to the surface that takes API keys (WIRE 11). */
export interface VendorAsk {
  /** Counted from 0 in order of arrival. */
  readonly index: number
  readonly route: 'openai' | 'anthropic' | 'gemini' | 'tool'
  /** Of a tool, e.g. `image_generation`; otherwise `''`. */
  readonly tool: string
  readonly apiKey: string
  /** The JSON body as sent. */
  readonly body: Readonly<Record<string, unknown>>
  readonly model: string
  /** Text of the last user message, or the tool's `prompt` or `query`. */
  readonly prompt: string
  readonly stream: boolean
  /** Undefined while it is being answered. */
  ended: 'whole' | 'cut' | 'client-closed' | undefined
}
