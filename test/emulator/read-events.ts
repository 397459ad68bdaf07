import type { RawReply } from './raw-request.ts'

/** The events of a reply as a client parses them. */
export const readEvents = ({ body }: RawReply) =>
  body
    .toString()
    .split('\n\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line.slice('data: '.length)))

/** The JSON body of a reply. */
export const readJson = ({ body }: RawReply) => JSON.parse(body.toString())
