/** What the mock of the site is to answer; it travels in the prompt, so that it passes every subject unchanged. */
export interface AnswerPlan {
  readonly tokens: number
  /** Tokens a second; 0: as fast as it goes, one write a token. */
  readonly rate?: number
  /** Of one token. */
  readonly bytes?: number
  /** All of it in one write. */
  readonly burst?: boolean
}

/** Occurs once in every token of the mock and nowhere else in an answer, so counting it shows whether the answer is complete. */
export const tokenMark = '~'

export const encodePlan = ({ tokens, rate = 0, bytes = 6, burst = false }: AnswerPlan): string =>
  `bench:tokens=${tokens},rate=${rate},bytes=${bytes},burst=${Number(burst)}`

/** @returns undefined when the text holds none */
export function parsePlan(text: string): Required<AnswerPlan> | undefined {
  const [, tokens, rate, bytes, burst] =
    /bench:tokens=(\d+),rate=(\d+),bytes=(\d+),burst=(\d)/.exec(text) ?? []
  if (tokens === undefined) return undefined
  return {
    tokens: Number(tokens),
    rate: Number(rate),
    bytes: Number(bytes),
    burst: burst === '1',
  }
}

/** Plain words, so that they cost a tokenizer what text costs. */
export function tokenText(bytes: number): string {
  const words = 'time people way water word number part sound place year back thing name sentence line '
  return ` ${words.repeat(Math.ceil(bytes / words.length)).slice(0, Math.max(0, bytes - 2))}${tokenMark}`
}
