import { type Attack, closed, flood, openSocket, pause } from './attack.js';

/** Longer than a client may leave unread what is sent to it. */
const silenceMs = 75_000;
/** Connections of the one client that reads nothing. */
const silentConnections = 5;

/** Asks for everything, subscribes to everything, and reads nothing. */
const slowReaders: Attack = {
  name: 'slow readers',
  async run(attacker) {
    await Promise.all(
      Array.from({ length: silentConnections }, async () => {
        const socket = await openSocket(attacker);
        socket.pause();
        for (let number = 0; number < 20; number += 1)
          socket.send(
            JSON.stringify(['REQ', `all-${number}`, { limit: 5_000 }, { kinds: [1111], limit: 5_000 }]),
          );
        attacker.count.sent += 20;
        await Promise.race([closed(socket), pause(silenceMs)]);
        socket.terminate();
      }),
    );
  },
};

/** Connects, says a little, and is gone in the middle of the answer. */
const comersAndGoers: Attack = {
  name: 'comers and goers',
  async run(attacker) {
    const socket = await openSocket(attacker);
    let number = 0;
    await flood(attacker, socket, 100, () => {
      number += 1;
      return number > 2 ? undefined : JSON.stringify(['REQ', `short-${number}`, { limit: 500 }]);
    });
  },
};

export const readerAttacks: readonly Attack[] = [slowReaders, comersAndGoers];
