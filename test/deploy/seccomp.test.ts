import { expect, test } from 'vitest'
import { z } from 'zod'
import { readProjectFile } from '../support/deployment.ts'

const profile = z
  .strictObject({
    defaultAction: z.literal('SCMP_ACT_ALLOW'),
    syscalls: z.array(
      z.strictObject({
        comment: z.string(),
        names: z.array(z.string()),
        action: z.literal('SCMP_ACT_ERRNO'),
        errnoRet: z.number(),
      }),
    ),
  })
  .parse(JSON.parse(readProjectFile('deploy/seccomp/chromium.json')))
const denied = profile.syscalls.flatMap(({ names }) => names)

test('FINDINGS S11: the profile gives what the sandbox of Chromium is made of', () => {
  expect(
    denied.filter((name) =>
      ['clone', 'clone3', 'unshare', 'setns', 'chroot', 'seccomp', 'prctl'].includes(name),
    ),
  ).toEqual([])
})

test('FINDINGS S11: and nothing that leads out of the container', () => {
  expect(new Set(denied).size).toBe(denied.length)
  expect(denied).toEqual(
    expect.arrayContaining([
      'mount',
      'pivot_root',
      'bpf',
      'ptrace',
      'init_module',
      'kexec_load',
      'keyctl',
      'io_uring_setup',
      'perf_event_open',
      'userfaultfd',
    ]),
  )
})

test('compose and the page run the image with it', () => {
  expect(readProjectFile('docker-compose.yml')).toContain('seccomp=./deploy/seccomp/chromium.json')
  for (const page of ['docker.md', 'docker.zh-CN.md'])
    expect(readProjectFile(`docs/deploy/${page}`)).toContain(
      '--security-opt seccomp=deploy/seccomp/chromium.json',
    )
})
