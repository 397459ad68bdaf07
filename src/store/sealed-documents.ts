import type { Seal } from './seal.ts'
import type { DocumentKind, Store, StoredDocument } from './store.ts'

export type Documents = Pick<
  Store,
  'saveDocument' | 'replaceDocument' | 'findDocument' | 'listDocuments' | 'touchDocuments' | 'removeDocument'
>

/** Documents whose texts lie sealed in the store. One that was stored in clear is read all the same; one that no key opens is as one
 *  that is not there. */
export function createSealedDocuments(store: Documents, seal: Seal): Documents {
  const idOf = (kind: DocumentKind, id: string) => `${kind} ${id}`

  function open(kind: DocumentKind, document: StoredDocument | undefined): StoredDocument | undefined {
    const opened = document && seal.open(document.text, idOf(kind, document.id))
    return opened && { ...document, text: opened.text }
  }

  return {
    saveDocument: (kind, document) =>
      store.saveDocument(kind, { ...document, text: seal.close(document.text, idOf(kind, document.id)) }),
    replaceDocument: (kind, id, text) => store.replaceDocument(kind, id, seal.close(text, idOf(kind, id))),
    findDocument: async (kind, id) => open(kind, await store.findDocument(kind, id)),
    listDocuments: async (kind, owner, limit) =>
      (await store.listDocuments(kind, owner, limit)).flatMap((document) => open(kind, document) ?? []),
    touchDocuments: (kind, ids) => store.touchDocuments(kind, ids),
    removeDocument: (kind, id) => store.removeDocument(kind, id),
  }
}
