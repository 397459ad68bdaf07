/** Mirrors the URL of the page: a new project, or one that is continued. Source: UPSTREAM 4.1 */
export const queryString = (type: string, chatId: string | undefined): string =>
  chatId === undefined ? `type=${type}` : `id=${chatId}&type=${type}`
