import type { SharedDatabase } from './database/shared-database.js';
import type { NodeNetwork } from './network/node-network.js';
import type { SimNode } from './node/node.js';
import type { Incident } from './scenario.js';
import type { Operator } from './world/operator.js';

/** What incidents happen to. */
export type Scene = {
  readonly nodes: readonly SimNode[];
  readonly database: SharedDatabase;
  readonly network: NodeNetwork;
  readonly operator: Operator;
  /** The node that writes, where it does not hang. */
  readonly writer: () => SimNode | undefined;
  /** Does something after a while, unless all has healed by then. */
  readonly later: (afterMs: number, step: () => void) => void;
};

/** Has an incident happen, and pass. */
export function happen(
  { nodes, database, network, operator, writer, later }: Scene,
  incident: Incident,
): void {
  const at = (index: number) => nodes[index] as SimNode;
  switch (incident.type) {
    case 'kill':
      at(incident.node).kill(incident.silently);
      later(incident.downMs, () => at(incident.node).start());
      return;
    case 'stop': {
      const node = at(incident.node);
      void node.stop().then(() => later(incident.downMs, () => node.start()));
      return;
    }
    case 'hang':
      at(incident.node).hang(incident.forMs);
      return;
    case 'database':
      database.isUp = false;
      later(incident.forMs, () => {
        database.isUp = true;
      });
      return;
    case 'database-way': {
      const { way } = at(incident.node);
      way.state = incident.state;
      later(incident.forMs, () => {
        way.state = 'open';
      });
      return;
    }
    case 'node-way': {
      const { one, other } = incident;
      network.setWay(one, other, incident.state);
      later(incident.forMs, () => network.setWay(one, other, 'open'));
      return;
    }
    case 'cut':
      network.cut(incident.one, incident.other);
      return;
    case 'take-away':
    case 'note': {
      const side = writer()?.side;
      if (side === undefined) return;
      if (incident.type === 'note') void operator.note(side);
      else void operator.takeAway(side);
    }
  }
}
