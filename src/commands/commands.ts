import type { Command } from './command.js';

/** A command that is loaded when it is called. */
export type ListedCommand = { readonly name: string; readonly load: () => Promise<Command> };

/**
 * All commands; the first is the one that a command line without a name means. What asks a daemon that runs need not wait
 * until all that a daemon is made of is loaded.
 */
export const commands: readonly ListedCommand[] = [
  { name: 'serve', load: async () => (await import('./serve.js')).serve },
  { name: 'status', load: async () => (await import('./operator/status.js')).status },
  { name: 'relays', load: async () => (await import('./operator/relays.js')).relays },
  { name: 'repositories', load: async () => (await import('./operator/repositories.js')).repositories },
  { name: 'events', load: async () => (await import('./operator/events.js')).events },
  { name: 'sync', load: async () => (await import('./operator/sync.js')).sync },
  { name: 'reload', load: async () => (await import('./operator/reload.js')).reload },
  { name: 'delete', load: async () => (await import('./operator/delete.js')).deleteCommand },
  { name: 'ban', load: async () => (await import('./operator/ban.js')).ban },
  { name: 'unban', load: async () => (await import('./operator/unban.js')).unban },
  { name: 'bans', load: async () => (await import('./operator/bans.js')).bans },
  { name: 'backup', load: async () => (await import('./backup/backup.js')).backup },
  { name: 'restore', load: async () => (await import('./backup/restore.js')).restore },
  { name: 'import', load: async () => (await import('./import/import.js')).importCommand },
  { name: 'export', load: async () => (await import('./export.js')).exportCommand },
  { name: 'doctor', load: async () => (await import('./doctor/doctor.js')).doctor },
  { name: 'check', load: async () => (await import('./check/check.js')).check },
  { name: 'repair', load: async () => (await import('./repair/repair.js')).repair },
  { name: 'migrate', load: async () => (await import('./migrate.js')).migrate },
  { name: 'check-config', load: async () => (await import('./check-config.js')).checkConfig },
  {
    name: 'completion',
    load: async () => (await import('./completion/completion.js')).completionOf(() => loadAll(commands)),
  },
  { name: 'demo', load: async () => (await import('./demo.js')).demo },
];

/** All of them, as help is about. */
export function loadAll(listed: readonly ListedCommand[]): Promise<readonly Command[]> {
  return Promise.all(listed.map(({ load }) => load()));
}
