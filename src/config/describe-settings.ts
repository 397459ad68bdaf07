import { settings } from './settings.ts'

/** Every setting with its default, for `--help`; ends with a line break. */
export function describeSettings(): string {
  return Object.values(settings)
    .map(({ name, default: unset, about }) => {
      const without = unset ? ` [${unset}]` : ''
      return `  ${name.padEnd(32)}${about}${without}\n`
    })
    .join('')
}
