/**
 * Announces a repository at a GRASP server, and says at which commit its branch `main` is to stand: what a Nostr client as
 * ngit does before a push. The key is made at the first call and kept in `tutorial.key`. Writes the URL to push to.
 *
 *   node docs/tutorial/announce.mjs ws://127.0.0.1:7334 IDENTIFIER COMMIT
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { nip19 } from 'nostr-tools';
import { finalizeEvent, generateSecretKey, getPublicKey } from 'nostr-tools/pure';
import { WebSocket } from 'ws';

function fail(why) {
  console.error(`announce: ${why}`);
  process.exit(1);
}

const [relay, identifier, commit] = process.argv.slice(2);
if (commit === undefined) fail('give it RELAY IDENTIFIER COMMIT');

if (!existsSync('tutorial.key')) {
  writeFileSync('tutorial.key', nip19.nsecEncode(generateSecretKey()), { mode: 0o600 });
}
const { data: secret } = nip19.decode(readFileSync('tutorial.key', 'utf8'));
const npub = nip19.npubEncode(getPublicKey(secret));
const url = `${relay.replace(/^ws/, 'http')}/${npub}/${identifier}.git`;

const created_at = Math.floor(Date.now() / 1000);
const event = (kind, tags) =>
  finalizeEvent({ kind, created_at, content: '', tags: [['d', identifier], ...tags] }, secret);
const announcement = event(30617, [
  ['clone', url],
  ['relays', relay],
]);
const state = event(30618, [
  ['refs/heads/main', commit],
  ['HEAD', 'ref: refs/heads/main'],
]);

const socket = new WebSocket(relay);
socket.on('error', (error) => fail(`${relay}: ${error.message}`));
const waiting = [announcement, state];
const publishNext = () => socket.send(JSON.stringify(['EVENT', waiting[0]]));
socket.on('open', publishNext);
socket.on('message', (data) => {
  const [type, , accepted, reason] = JSON.parse(data);
  if (type !== 'OK') return;
  if (!accepted) fail(`${relay} refuses it: ${reason}`);
  waiting.shift();
  if (waiting.length > 0) return publishNext();
  console.log(url);
  socket.close();
});
