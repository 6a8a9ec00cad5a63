import { postgresSettingsOf } from '../daemon/store/open-store.js';
import { explain, PostgresDatabase } from '../store/postgres/database.js';
import { migrate as migrateTables } from '../store/postgres/schema.js';
import { type Command, UsageError } from './command.js';

/** Makes the tables in a database of PostgreSQL. */
export const migrate: Command = {
  name: 'migrate',
  summary: 'Make the tables in a database of PostgreSQL, or bring them to the version of this program',
  details:
    'It is done once before the first start with --database-backend postgresql, and after an update that asks for it. Several at\nonce wait for one another. All of it is done or nothing; what is of a newer program is left alone.',
  usage: '',
  positionalsMin: 0,
  positionalsMax: 0,
  flags: [],
  takesOptions: true,
  async run({ readOptions, stdout }) {
    const options = readOptions();
    if (options.databaseBackend !== 'postgresql')
      throw new UsageError('migrate is for --database-backend postgresql; others need no tables');
    await using database = await PostgresDatabase.open(await postgresSettingsOf(options));
    const { from, to } = await migrateTables(database).catch((error: unknown) => {
      throw explain(error);
    });
    stdout.write(from === to ? `nothing to do: version ${to}\n` : `migrated from version ${from} to ${to}\n`);
    return 0;
  },
};
