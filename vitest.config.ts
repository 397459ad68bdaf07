import { defineConfig } from 'vitest/config'

// Tests run against real parts (sockets, Chromium, Redis): the limits below only catch a hang, no test waits for them.
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    environment: 'node',
    globals: false,
    pool: 'forks',
    // More than there are cores: much of the time is spent waiting for processes that start and end.
    maxWorkers: 3,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 10_000 } },
    teardownTimeout: 20_000,
    allowOnly: false,
    passWithNoTests: false,
    dangerouslyIgnoreUnhandledErrors: false,
    restoreMocks: true,
  },
})
