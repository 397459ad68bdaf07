export const whole = (value: number): string => Math.round(value).toLocaleString('en-US')
export const decimal = (value: number, digits = 1): string => value.toFixed(digits)
