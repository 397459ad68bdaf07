export const encodeDeleted = (id: string) => ({ id, object: 'response', deleted: true })
