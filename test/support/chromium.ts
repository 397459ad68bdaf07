import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Browser, chromium } from 'playwright'
import type { Emulator } from '../emulator/emulator.ts'

/** A headless Chromium as the service launches it, for tests of what stands in for the site; the caller closes it. */
export function openChromium(args: readonly string[] = []): Promise<Browser> {
  // For root Chromium has no sandbox.
  const chromiumSandbox = process.getuid?.() !== 0
  return chromium.launch({ executablePath: findExecutable(), chromiumSandbox, args: [...args] })
}

/** A Chromium that trusts an emulator over TLS, for a service in a process of its own.
 *  @returns for BROWSER_EXECUTABLE; it stands in `folder` */
export async function trustingChromium(
  folder: string,
  { certificate }: Pick<Emulator, 'certificate'>,
): Promise<string> {
  const path = join(folder, 'chromium')
  const flag = `--ignore-certificate-errors-spki-list=${certificate.spkiHash}`
  await writeFile(path, `#!/bin/sh\nexec '${findExecutable()}' '${flag}' "$@"\n`, { mode: 0o755 })
  return path
}

function findExecutable(): string {
  const { BROWSER_EXECUTABLE = '' } = process.env
  const found = [BROWSER_EXECUTABLE, chromium.executablePath(), ...usualPaths].find(existsSync)
  if (!found) throw new Error('no Chromium was found: install it or set BROWSER_EXECUTABLE')
  return found
}

const usualPaths = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
