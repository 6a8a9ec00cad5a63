const objectId = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/** Whether `text` is a full object id: 40 (SHA-1) or 64 (SHA-256) lower-case hex digits, never a name or a part. */
export function isObjectId(text: string): boolean {
  return objectId.test(text);
}
