import { open } from 'node:fs/promises';

/** Makes the names in a folder last through a power failure. Rejects as `open` does. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
