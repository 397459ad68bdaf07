import type { WireOptions } from '../scenario.ts'

/** How an image or video ask is answered (WIRE 4.8, 5.6, 5.7). */
export interface MediaScenario extends WireOptions {
  readonly type: 'media'
  /** The tasks that the ask begins. Default: one for each thing asked for, all successful; `[]`: none. */
  readonly tasks?: readonly TaskPlan[]
  /** When the answer itself names the result files; a client polls for the others. Default: `never`.
   *  `early`: with the tasks; `late`: in a second event, after one without; gen 2 only. */
  readonly urls?: 'never' | 'early' | 'late'
  /** Where a gen-2 answer tells of its tasks. Default: `results`, the field of WIRE 5.6. */
  readonly carrier?: MediaCarrier
  /** Which event bears that field. Default: `project_field`. */
  readonly eventType?: 'project_field' | 'message_field'
  /** A limit event, beside the tasks or (with `tasks: []`) without any. */
  readonly limit?: 'reached' | 'approaching'
  /** When the window opens again, in epoch seconds. Default: in an hour. */
  readonly resetAt?: number
  /** Keepalives before the tasks. Default: 1 in gen 2, 0 in gen 1. */
  readonly keepalives?: number
  /** Leave out the closing event: `message_result` with all it bears in gen 1, the terminator in gen 2. */
  readonly withoutFinal?: boolean
  /** How the streams of WIRE 4.9b tell of these tasks. */
  readonly polling?: PollingOptions
}

/** The places where clients have found tasks or files (WIRE 5.6).
 *  `content`: the URLs as markdown, no task; `tool-call`: a `tool_calls` value; the rest: other names of task lists. */
export type MediaCarrier = 'results' | 'content' | 'tool-call' | 'task-object' | 'task-ids' | 'tasks'

export interface PollingOptions extends WireOptions {
  /** Wait before each progress event. */
  readonly stepDelayMs?: number
  /** Leave out `TASKS_STATUS_COMPLETE`. */
  readonly withoutFinal?: boolean
}

/** The fate of one task. */
export interface TaskPlan {
  /** States told before the end, one a poll or progress event; may be `Infinity`. Default: 1. */
  readonly steps?: number
  /** Why it fails. Default: it succeeds. */
  readonly failure?: string
  /** What these states are called; the last name stays. Default: `PENDING`, `PROCESSING`. */
  readonly states?: readonly string[]
  /** Which field tells why. Default: `error_message`. */
  readonly failureField?: 'error_message' | 'message' | 'failed_reason' | 'failure_reason'
  /** Its last status. Default: `SUCCESS`, or `FAILED`, which is `FAILURE` in WIRE 4.9a. */
  readonly status?: string | number
  /** Where the streams of WIRE 4.9b tell its last state. Default: `final_status`. `tasks`: among the states of a progress event,
   *  and no `TASKS_STATUS_COMPLETE` follows. */
  readonly endsIn?: 'final_status' | 'tasks'
  /** Whoever asks is told that there is no such task: by the object of WIRE 4.9b at top level, or with `in-tasks` by the same
   *  object as its state in a progress event. */
  readonly lost?: boolean | 'in-tasks'
  /** Result files. Default: 1. */
  readonly files?: number
  /** Which URL lists an image has. Default: `both`. */
  readonly watermark?: 'both' | 'with' | 'without'
  readonly place?: FilePlace
  /** Content of every file of it. Default: a small picture or video, different for each. */
  readonly bytes?: Uint8Array
  /** The connection is reset after so many bytes of a file. */
  readonly cutAfter?: number
}

/** Where a result file lies. Default: `cookie`, a URL that needs the account's cookie. `public`: one that needs none;
 *  `redirect`: the first leading to the second; `redirect-with-cookie`: the first leading to another of its kind.
 *  `elsewhere`: on another origin, which sends no CORS headers: a page's fetch fails, a navigation gets it (WIRE 2.6);
 *  `redirect-elsewhere`: a URL that needs the cookie, leading there. */
export type FilePlace =
  | 'cookie'
  | 'public'
  | 'redirect'
  | 'redirect-with-cookie'
  | 'elsewhere'
  | 'redirect-elsewhere'
