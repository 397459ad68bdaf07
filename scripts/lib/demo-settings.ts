/** Settings that make a service one of the demo: it asks the mock of the site, with its account, and nobody else. */
export const demoSettings = (emulatorUrl: string): Readonly<Record<string, string>> => ({
  GENSPARK_BASE_URL: emulatorUrl,
  GS_COOKIE: 'session_id=demo',
  GENSPARK_API_KEY: '',
  GSK_API_KEY: '',
  PROXY_URL: '',
  RECAPTCHA_PROXY_URL: '',
  RECAPTCHA_SCRIPT_URL: '',
})
