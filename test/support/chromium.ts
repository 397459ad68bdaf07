import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright'

/** A headless Chromium as the service launches it, for tests of what stands in for the site; the caller closes it. */
export function openChromium(args: readonly string[] = []): Promise<Browser> {
  const { BROWSER_EXECUTABLE = '' } = process.env
  const executablePath = [BROWSER_EXECUTABLE, chromium.executablePath(), ...usualPaths].find(existsSync)
  if (!executablePath) throw new Error('no Chromium was found: install it or set BROWSER_EXECUTABLE')
  // For root Chromium has no sandbox.
  return chromium.launch({ executablePath, chromiumSandbox: process.getuid?.() !== 0, args: [...args] })
}

const usualPaths = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
