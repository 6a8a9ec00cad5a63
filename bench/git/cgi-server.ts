/**
 * The rival: `git http-backend` under the plainest CGI server that Node makes possible, as a process of its own.
 *
 *   node --import tsx bench/git/cgi-server.ts FOLDER   prints its port
 */
import { GitServer } from '../../test/support/git-server.js';

const [folder = ''] = process.argv.slice(2);
const server = await GitServer.start(folder);
console.log(server.port);
process.on('disconnect', () => process.exit());
