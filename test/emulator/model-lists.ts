/** The site's own lists (WIRE 5.8); a test may change them at any time. */
export interface ModelLists {
  text: readonly ListedModel[]
  image: readonly ListedModel[]
  /** Whether the text list stands in `data`, which is not sure. Default: false. */
  wrapped: boolean
}

export interface ListedModel {
  readonly name: string
  /** Served but not shown. */
  readonly hidden?: boolean
}

/** A part of WIRE 9.4 and 9.5. */
export const createModelLists = (): ModelLists => ({
  text: [
    { name: 'claude-opus-5' },
    { name: 'claude-sonnet-5' },
    { name: 'claude-4-5-haiku' },
    { name: 'gpt-5.5' },
    { name: 'gpt-5.4-mini' },
    { name: 'grok-4.6' },
    { name: 'gemini-2.5-flash', hidden: true },
  ],
  image: [
    { name: 'gpt-image-2' },
    { name: 'gpt-image-2.5' },
    { name: 'nano-banana-2' },
    { name: 'nano-banana-pro' },
    { name: 'seedream-v5-lite' },
    { name: 'flux-2' },
    { name: 'flux-2-pro' },
    { name: 'z-image-turbo' },
  ],
  wrapped: false,
})
