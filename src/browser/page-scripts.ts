import type { RecaptchaForm } from './recaptcha-site.ts'

// These functions run inside the page: they see nothing of this module, only their argument and the page's globals.

export interface FoundRecaptcha {
  readonly form: RecaptchaForm
  readonly siteKey: string
}

interface Grecaptcha {
  ready(callback: () => void): void
  execute(siteKey: string, options: { action: string }): Promise<string>
}

declare global {
  interface Window {
    grecaptcha?: Partial<Grecaptcha> & { enterprise?: Partial<Grecaptcha> }
  }
}

/** Waits until a script has defined grecaptcha for a key.
 *  @param wantedKey  insist on it; undefined takes the key of the page's own script
 *  @param graceMs  after the document is read: for a script that the page adds late
 *  @param scriptMs  the same for a script that is there and has not run yet */
export async function findRecaptcha(input: {
  wantedKey: string | undefined
  graceMs: number
  scriptMs: number
}): Promise<FoundRecaptcha | undefined> {
  let readSince: number | undefined
  for (;;) {
    const keys = [...document.querySelectorAll<HTMLScriptElement>('script[src*="/recaptcha/"]')]
      .map((script) => new URL(script.src).searchParams.get('render'))
      .filter((key) => key && key !== 'explicit' && key !== 'onload')
    const siteKey = input.wantedKey ? keys.find((key) => key === input.wantedKey) : keys[0]
    if (siteKey && window.grecaptcha?.enterprise?.execute) return { form: 'enterprise', siteKey }
    if (siteKey && window.grecaptcha?.execute) return { form: 'v3', siteKey }
    if (document.readyState !== 'loading') readSince ??= performance.now()
    const limitMs = siteKey ? input.scriptMs : input.graceMs
    if (readSince !== undefined && performance.now() - readSince > limitMs) return undefined
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** Adds the script to the page. @returns whether it was loaded */
export function addScript(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const script = document.createElement('script')
    script.src = url
    script.async = true
    script.onload = () => resolve(true)
    script.onerror = () => resolve(false)
    document.head.append(script)
  })
}

/** Asks grecaptcha for one token. */
export async function executeRecaptcha(input: {
  form: RecaptchaForm
  siteKey: string
  action: string
}): Promise<{ token: unknown } | { failure: string }> {
  try {
    const api = (
      input.form === 'enterprise' ? window.grecaptcha?.enterprise : window.grecaptcha
    ) as Grecaptcha
    await new Promise<void>((resolve) => api.ready(resolve))
    return { token: await api.execute(input.siteKey, { action: input.action }) }
  } catch (error) {
    return { failure: error instanceof Error ? error.message : String(error) }
  }
}
