/** At this length (in UTF-16 units) a piece of a large read is handed over, so that a slow reader has little of it in memory. */
const maxPieceLength = 64 * 1024

/** The events of one upstream read as what is to be written of them: one piece, of a large read more, or none. */
export function* encodeBatch<Event>(
  batch: readonly Event[],
  encode: (event: Event) => string,
): Generator<string> {
  let piece = ''
  for (const event of batch) {
    piece += encode(event)
    if (piece.length < maxPieceLength) continue
    yield piece
    piece = ''
  }
  if (piece) yield piece
}
