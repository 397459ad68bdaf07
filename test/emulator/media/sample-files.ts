import { crc32, deflateSync } from 'node:zlib'

/** A picture of 2 by 2 pixels in a colour of its own for each number. */
export function samplePng(number: number): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(2, 0)
  header.writeUInt32BE(2, 4)
  header.set([8, 2], 8) // 8 bits, RGB
  const pixel = [number & 255, (number >> 8) & 255, 128]
  const row = [0, ...pixel, ...pixel]
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    pngChunk('IHDR', header),
    pngChunk('IDAT', deflateSync(Buffer.from([...row, ...row]))),
    pngChunk('IEND', Buffer.alloc(0)),
  ])
}

/** An MP4 of no length and no tracks, with a text of its own for each number. */
export function sampleMp4(number: number): Buffer {
  const movieHeader = Buffer.alloc(100)
  movieHeader.writeUInt32BE(1000, 12) // units a second
  movieHeader.writeUInt32BE(0x00010000, 20) // rate
  movieHeader.writeUInt16BE(0x0100, 24) // volume
  const matrix = [0x00010000, 0, 0, 0, 0x00010000, 0, 0, 0, 0x40000000]
  for (const [index, value] of matrix.entries()) movieHeader.writeUInt32BE(value, 36 + 4 * index)
  movieHeader.writeUInt32BE(1, 96) // next track
  return Buffer.concat([
    mp4Box('ftyp', Buffer.from('isom\0\0\x02\0isomiso2mp41', 'latin1')),
    mp4Box('free', Buffer.from(`canned video ${number}`)),
    mp4Box('moov', mp4Box('mvhd', movieHeader)),
  ])
}

function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  return Buffer.concat([uint32(data.length), body, uint32(crc32(body))])
}

const mp4Box = (type: string, data: Buffer): Buffer =>
  Buffer.concat([uint32(data.length + 8), Buffer.from(type, 'latin1'), data])

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
