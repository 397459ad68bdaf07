export interface Finding {
  readonly state: 'ok' | 'warning' | 'fault'
  /** What was looked at, e.g. `account acc_1a2b3c4d`. */
  readonly part: string
  readonly text: string
  /** What the operator can do about it. */
  readonly remedy?: string
}

const marks = { ok: 'ok  ', warning: 'WARN', fault: 'FAIL' } as const

/** One line, with a line break. */
export function formatFinding({ state, part, text, remedy }: Finding): string {
  return `${marks[state]}  ${part.padEnd(22)}  ${text}${remedy ? ` -> ${remedy}` : ''}\n`
}
