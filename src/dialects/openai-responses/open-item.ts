import type { ChatEvent } from '../../core/chat-event.ts'
import type { OutputItem } from './output-item.ts'
import type { ItemPlace, ResponseEvent } from './response-event.ts'

/** An item of the output while it grows. It tells its own events, from `added` to `done`. */
export interface OpenItem {
  readonly type: OutputItem['type']
  /** @returns false when the event is none of this item: it is to be closed */
  add(event: ChatEvent): boolean
  /** @param cut  the answer ended within this item */
  close(cut: boolean): OutputItem
}

export type Tell = (event: ResponseEvent) => void

/** How a new item begins. */
export interface ItemStart {
  readonly place: ItemPlace
  readonly tell: Tell
}
