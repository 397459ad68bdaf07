/** The least page of the site that a token can be minted on, with one asset of each kind that costs bandwidth.
 *  @param loader  the address of Google's script @param script  what the site's edge puts before it */
export function renderPage(loader: string | undefined, script = ''): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
${script}
<title>Genspark</title>
<link rel="stylesheet" href="/recaptcha/assets/site.css">
${loader ? `<script src="${loader}" async></script>` : ''}
</head>
<body>
<p class="brand">Genspark</p>
<img src="/recaptcha/assets/logo.png" alt="">
<video src="/recaptcha/assets/intro.mp4" preload="auto" muted></video>
</body>
</html>
`
}

export const styleSheet = `@font-face { font-family: Brand; src: url(/recaptcha/assets/brand.woff2) }
.brand { font-family: Brand }
`

/** Google's loader: it defines `ready` at once and fetches the rest, which defines `execute`, later. */
export const loaderScript = (form: 'v3' | 'enterprise', siteKey: string): string => `(() => {
  const root = (window.grecaptcha = window.grecaptcha || {})
  const api = ${form === 'enterprise' ? '(root.enterprise = root.enterprise || {})' : 'root'}
  const settings = (window.___grecaptcha_cfg = window.___grecaptcha_cfg || { keys: [], waiting: [] })
  settings.keys.push(${JSON.stringify(siteKey)})
  api.ready = api.ready || ((callback) => settings.waiting.push(callback))
  const script = document.createElement('script')
  script.src = '/recaptcha/releases/${form}.js'
  script.async = true
  document.head.append(script)
})()
`

export const apiScript = (form: 'v3' | 'enterprise'): string => `(() => {
  const settings = window.___grecaptcha_cfg
  const api = ${form === 'enterprise' ? 'window.grecaptcha.enterprise' : 'window.grecaptcha'}
  api.execute = async (siteKey, { action } = {}) => {
    if (!settings.keys.includes(siteKey)) throw new Error('Invalid site key or not loaded in api.js: ' + siteKey)
    const response = await fetch('/recaptcha/mint', {
      method: 'POST',
      credentials: 'same-origin',
      body: JSON.stringify({ siteKey, action }),
    })
    const answer = await response.json()
    if (answer.order === 'loop') while (true);
    if (answer.order === 'hang') return new Promise(() => {})
    if (answer.order === 'reject') throw null
    if (answer.order === 'refuse-key') throw new Error('Invalid site key or not loaded in api.js: ' + siteKey)
    return answer.token
  }
  api.ready = (callback) => callback()
  for (const callback of settings.waiting.splice(0)) callback()
})()
`

/** A script of its own, and a frame of another site: `localhost` is one for a page of `127.0.0.1`, and gets a process of its own. */
export const heavyParts = (host = ''): string =>
  `<script src="/recaptcha/assets/app.js" defer></script>
<iframe src="http://localhost:${host.split(':')[1]}/recaptcha/assets/frame.html" hidden></iframe>`

const scripts = new Map<number, string>()

/** Functions that are called once and data that stays, as bundles have them. */
export function siteScript(megabytes: number): string {
  let script = scripts.get(megabytes)
  if (script === undefined) {
    const part = (index: number) =>
      `app[${index}] = (() => { const names = ["label-${index}", "title-${index}", "text of the part ${index}"]; function render(state) { const list = []; for (const name of names) list.push({ name, state, key: name + state, index: ${index} }); return list } return { render, first: render(${index}), names } })();\n`
    let text = 'const app = (window.app = {});\n'
    for (let index = 0; text.length < megabytes * 1024 * 1024; index += 1) text += part(index)
    script = text
    scripts.set(megabytes, script)
  }
  return script
}
